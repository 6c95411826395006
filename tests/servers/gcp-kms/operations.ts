import { createPublicKey } from "node:crypto";
import type { SignatureShape } from "../support/secp256k1-key.ts";
import { crc32cOf } from "./crc32c.ts";
import {
  createCryptoKey,
  createCryptoKeyVersion,
  createImportJob,
  getImportJob,
  importCryptoKeyVersion,
} from "./creations.ts";
import type { Key, KeyRings, Version } from "./keys.ts";
import { StatusError } from "./status.ts";

/** A message in proto3's JSON: bytes in base64, 64-bit integers as decimal strings, defaults left out. */
export type Json = Readonly<Record<string, unknown>>;

/** How the response to AsymmetricSign is to be wrong, or what shape its signature is to have. */
export interface SignChange {
  readonly by?: Version | undefined;
  readonly shape?: SignatureShape | undefined;
  /** Replaces fields of the response, after its checksums were computed. */
  readonly fields?: Json | undefined;
  /** DER in place of the signature, with the checksum that belongs to it. */
  readonly der?: Uint8Array | undefined;
}

export const RPCS = {
  getPublicKey: ({ rings }: Call, { name }: Json) => getPublicKey(rings, text(name)),
  asymmetricSign: ({ rings, change }: Call, request: Json) => asymmetricSign(rings, request, change),
  getCryptoKeyVersion: ({ rings }: Call, { name }: Json) => versionJson(rings.version(text(name))),
  getCryptoKey: ({ rings }: Call, { name }: Json) => keyJson(rings.key(text(name))),
  getKeyRing: ({ rings }: Call, { name }: Json) => {
    rings.keysOf(text(name));
    return { name };
  },
  listKeyRings({ rings, pages }: Call, request: Json) {
    const parent = `${text(request["parent"])}/keyRings/`;
    const found = [...rings.rings].filter((name) => name.startsWith(parent)).map((name) => ({ name }));
    return page("keyRings", found, request, pages);
  },
  listCryptoKeys({ rings, pages }: Call, request: Json) {
    const keys = rings.keysOf(text(request["parent"])).map(keyJson);
    return page("cryptoKeys", filtered(keys, request["filter"]), request, pages);
  },
  listCryptoKeyVersions({ rings, pages }: Call, request: Json) {
    const versions = rings.key(text(request["parent"])).versions.map(versionJson);
    return page("cryptoKeyVersions", filtered(versions, request["filter"]), request, pages);
  },
  createCryptoKey: ({ rings }: Call, request: Json) => keyJson(createCryptoKey(rings, request)),
  createCryptoKeyVersion: ({ rings }: Call, request: Json) => versionJson(createCryptoKeyVersion(rings, request)),
  createImportJob: ({ rings }: Call, request: Json) => createImportJob(rings, request),
  getImportJob: ({ rings }: Call, { name }: Json) => getImportJob(rings, text(name)),
  importCryptoKeyVersion: ({ rings }: Call, request: Json) => versionJson(importCryptoKeyVersion(rings, request)),
  testIamPermissions: ({ permissions }: Call, request: Json) => ({
    permissions: (request["permissions"] as string[]).filter((each) => permissions.has(each)),
  }),
};

export type Rpc = keyof typeof RPCS;

/** What an operation works on. */
export interface Call {
  readonly rings: KeyRings;
  /** Those of the caller. */
  readonly permissions: ReadonlySet<string>;
  readonly pages: PageHabits;
  readonly change: SignChange | undefined;
}

/** How pages come: the service may return fewer items than it is asked for, and none. */
export interface PageHabits {
  /** The most items of a page, whatever is asked for. */
  limit: number;
  /** An empty page, with a token, before each other one. */
  empty: boolean;
}

function getPublicKey(rings: KeyRings, name: string): Json {
  const version = rings.version(name);
  requireEnabled(version);
  if (!version.spki) throw new StatusError("FAILED_PRECONDITION", `${name} is not enabled for public keys.`);
  const pem = pemOf(version.spki);
  return {
    ...{ pem, algorithm: version.algorithm, pemCrc32c: String(crc32cOf(Buffer.from(pem))), name },
    ...{ protectionLevel: version.protectionLevel, publicKeyFormat: "PEM" },
  };
}

export function pemOf(spki: Uint8Array): string {
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" })
    .export({ type: "spki", format: "pem" })
    .toString();
}

function asymmetricSign(rings: KeyRings, request: Json, change: SignChange = {}): Json {
  const version = rings.version(text(request["name"]));
  requireEnabled(version);
  if (!version.signer) throw new StatusError("FAILED_PRECONDITION", `${version.name} does not sign here.`);
  const { digest, digestCrc32c, data } = request as { digest?: Json; digestCrc32c?: unknown; data?: unknown };
  if (data !== undefined) throw new StatusError("INVALID_ARGUMENT", "data and digest cannot both be set.");
  const bytes = Buffer.from(text(digest?.["sha256"]), "base64");
  if (bytes.length !== 32) throw new StatusError("INVALID_ARGUMENT", "Digest length does not match the algorithm.");
  if (digestCrc32c !== undefined && digestCrc32c !== String(crc32cOf(bytes))) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      "The checksum in field digest_crc32c did not match the data in field digest.",
    );
  }
  const { by = version, shape = { s: "low" }, der, fields } = change;
  const signature = der ?? by.signer?.signDer(new Uint8Array(bytes), shape) ?? new Uint8Array();
  return {
    signature: Buffer.from(signature).toString("base64"),
    signatureCrc32c: String(crc32cOf(signature)),
    ...(digestCrc32c === undefined ? {} : { verifiedDigestCrc32c: true }),
    ...{ name: version.name, protectionLevel: version.protectionLevel, ...fields },
  };
}

function requireEnabled({ name, state }: Version): void {
  if (state === "ENABLED") return;
  throw new StatusError("FAILED_PRECONDITION", `${name} is not enabled, current state is: ${state}.`);
}

function keyJson(key: Key): Json {
  const { name, purpose, labels, importOnly, destroyScheduledDuration, algorithm, protectionLevel } = key;
  return {
    ...{ name, purpose, createTime: "2026-11-01T00:00:00Z", destroyScheduledDuration },
    versionTemplate: { protectionLevel, algorithm },
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(importOnly ? { importOnly } : {}),
  };
}

function versionJson(version: Version): Json {
  const { name, state, algorithm, protectionLevel, importJob, failureReason, attestation } = version;
  return {
    ...{ name, state, protectionLevel, algorithm, createTime: "2026-11-01T00:00:00Z" },
    ...(state === "ENABLED" ? { generateTime: "2026-11-01T00:00:00Z" } : {}),
    ...(attestation ? { attestation } : {}),
    ...(importJob ? { importJob } : {}),
    ...(state === "IMPORT_FAILED" ? { importFailureReason: failureReason } : {}),
  };
}

/** `field=value AND field=value`, the part of the filters' language that is spoken here. */
function filtered(all: readonly Json[], filter: unknown): readonly Json[] {
  if (filter === undefined || filter === "") return all;
  const terms = text(filter)
    .split(" AND ")
    .map((term) => {
      const match = /^([\w.]+)=(\S+)$/.exec(term);
      if (!match) throw new StatusError("INVALID_ARGUMENT", `Invalid filter: ${term}`);
      return [match[1]?.split(".") ?? [], match[2]] as const;
    });
  const fieldOf = (item: unknown, path: readonly string[]) => {
    return path.reduce<unknown>((value, field) => (value as Json | undefined)?.[field], item);
  };
  return all.filter((item) => terms.every(([path, value]) => fieldOf(item, path) === value));
}

function page(field: string, all: readonly Json[], request: Json, { limit, empty }: PageHabits): Json {
  const { pageSize = 100, pageToken = "" } = request as { pageSize?: number | string; pageToken?: string };
  const [offset = 0, shown = 0] = pageToken === "" ? [0, 0] : pageToken.split(".").map(Number);
  if (Number.isNaN(offset)) throw new StatusError("INVALID_ARGUMENT", "Invalid page token.");
  if (empty && shown === 0) return { nextPageToken: `${offset}.1`, totalSize: all.length };
  const end = offset + Math.min(Number(pageSize) || 100, limit);
  return {
    ...(all.length > 0 ? { [field]: all.slice(offset, end), totalSize: all.length } : {}),
    ...(end < all.length ? { nextPageToken: `${end}.0` } : {}),
  };
}

export function text(value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new StatusError("INVALID_ARGUMENT", "A required field is missing or is not a string.");
}
