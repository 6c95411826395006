import { constants, createDecipheriv, createPrivateKey, generateKeyPairSync, privateDecrypt } from "node:crypto";
import { Secp256k1Key, spkiOf } from "../support/secp256k1-key.ts";
import type { ImportJob, Key, KeyRings, Version } from "./keys.ts";
import { type Json, pemOf, text } from "./operations.ts";
import { StatusError } from "./status.ts";

const ID = /^[a-zA-Z0-9_-]{1,63}$/;

export function createCryptoKey(rings: KeyRings, request: Json): Key {
  const ring = text(request["parent"]);
  const name = `${ring}/cryptoKeys/${checkId("crypto_key_id", request["cryptoKeyId"])}`;
  rings.keysOf(ring);
  if (rings.keys.has(name)) throw new StatusError("ALREADY_EXISTS", `CryptoKey ${name} already exists.`);
  const wanted = request["cryptoKey"] as {
    readonly purpose?: string;
    readonly versionTemplate?: { readonly algorithm?: Key["algorithm"]; readonly protectionLevel?: string };
    readonly labels?: Record<string, string>;
    readonly importOnly?: boolean;
    readonly destroyScheduledDuration?: string;
  };
  const { algorithm, protectionLevel = "SOFTWARE" } = wanted.versionTemplate ?? {};
  if (wanted.purpose !== "ASYMMETRIC_SIGN" || algorithm === undefined) {
    throw new StatusError("INVALID_ARGUMENT", "purpose and version_template.algorithm do not fit.");
  }
  if (algorithm === "EC_SIGN_SECP256K1_SHA256" && protectionLevel !== "HSM") {
    throw new StatusError("INVALID_ARGUMENT", `The algorithm ${algorithm} is not supported for ${protectionLevel}.`);
  }
  const skip = request["skipInitialVersionCreation"] === true || request["skipInitialVersionCreation"] === "true";
  const { labels, importOnly, destroyScheduledDuration } = wanted;
  if (importOnly && !skip)
    throw new StatusError("INVALID_ARGUMENT", "import_only needs skip_initial_version_creation.");
  const key = rings.add(name, {
    algorithm,
    protectionLevel,
    labels,
    importOnly,
    destroyScheduledDuration,
    versions: 0,
  });
  if (!skip) generate(rings, key);
  return key;
}

export function createCryptoKeyVersion(rings: KeyRings, request: Json): Version {
  const key = rings.key(text(request["parent"]));
  if (key.importOnly) throw new StatusError("FAILED_PRECONDITION", `${key.name} accepts imported versions only.`);
  return generate(rings, key);
}

/** A version whose key an HSM makes: it is pending at first. */
function generate(rings: KeyRings, key: Key): Version {
  const version = rings.addVersion(key);
  return Object.assign(version, { state: "PENDING_GENERATION", pending: rings.pendingRequests });
}

const wrappingKeys = new Map<number, ImportJob["wrapping"]>();

/** One key pair of each size for all jobs: it takes a second to make. */
function wrappingKey(bits: number): ImportJob["wrapping"] {
  const pair = wrappingKeys.get(bits) ?? generateKeyPairSync("rsa", { modulusLength: bits });
  wrappingKeys.set(bits, pair);
  return pair;
}

export function createImportJob(rings: KeyRings, request: Json): Json {
  const ring = text(request["parent"]);
  rings.keysOf(ring);
  const name = `${ring}/importJobs/${checkId("import_job_id", request["importJobId"])}`;
  if (rings.jobs.has(name)) throw new StatusError("ALREADY_EXISTS", `ImportJob ${name} already exists.`);
  const { importMethod, protectionLevel } = request["importJob"] as Record<string, string>;
  const bits = Number(/^RSA_OAEP_(3072|4096)_SHA256(_AES_256)?$/.exec(importMethod ?? "")?.[1]);
  if (!importMethod || !bits) throw new StatusError("INVALID_ARGUMENT", "import_method is not known here.");
  rings.jobs.set(name, {
    ...{ name, importMethod, protectionLevel: protectionLevel ?? "", state: "PENDING_GENERATION" },
    ...{ pending: rings.pendingRequests, wrapping: wrappingKey(bits) },
  });
  return jobJson(rings.jobs.get(name));
}

export function getImportJob(rings: KeyRings, name: string): Json {
  return jobJson(rings.job(name));
}

function jobJson(job: ImportJob | undefined): Json {
  if (!job) return {};
  const { name, importMethod, protectionLevel, state, wrapping } = job;
  const pem = pemOf(wrapping.publicKey.export({ type: "spki", format: "der" }));
  return { name, importMethod, protectionLevel, state, ...(state === "ACTIVE" ? { publicKey: { pem } } : {}) };
}

export function importCryptoKeyVersion(rings: KeyRings, request: Json): Version {
  const key = rings.key(text(request["parent"]));
  const job = rings.job(text(request["importJob"]));
  if (job.state !== "ACTIVE") throw new StatusError("FAILED_PRECONDITION", `${job.name} is ${job.state}.`);
  if (job.protectionLevel !== key.protectionLevel) {
    throw new StatusError("FAILED_PRECONDITION", "The import job's protection level is not the key's.");
  }
  if (request["algorithm"] !== key.algorithm) throw new StatusError("INVALID_ARGUMENT", "algorithm is not the key's.");
  const version = rings.awaitVersion(key, "PENDING_IMPORT");
  const wrapped = text(request["wrappedKey"] ?? request["rsaAesWrappedKey"]);
  const privateKey = unwrap(job, Buffer.from(wrapped, "base64"));
  const signer = privateKey === undefined ? undefined : new Secp256k1Key(privateKey);
  return Object.assign(version, {
    ...{ importJob: job.name, signer, spki: signer && spkiOf(signer), pending: rings.pendingRequests },
    failureReason: signer ? undefined : "The key material could not be unwrapped.",
  });
}

/** The private key as hex, out of OAEP, with AES key wrap (RFC 5649) where the method has it, and PKCS#8: by OpenSSL. */
function unwrap({ importMethod, wrapping }: ImportJob, wrapped: Buffer): string | undefined {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const open = (part: Buffer) => privateDecrypt({ key: wrapping.privateKey, ...padding }, part);
  try {
    const length = Number(importMethod.split("_")[2]) / 8;
    const der = importMethod.endsWith("_AES_256")
      ? keyWrapOpened(open(wrapped.subarray(0, length)), wrapped.subarray(length))
      : open(wrapped);
    const { crv, d = "" } = createPrivateKey({ key: der, type: "pkcs8", format: "der" }).export({ format: "jwk" });
    return crv === "secp256k1" ? Buffer.from(d, "base64url").toString("hex") : undefined;
  } catch {
    return undefined;
  }
}

function keyWrapOpened(key: Buffer, wrapped: Buffer): Buffer {
  const cipher = createDecipheriv("id-aes256-wrap-pad", key, Buffer.from("a65959a6", "hex"));
  return Buffer.concat([cipher.update(wrapped), cipher.final()]);
}

function checkId(field: string, id: unknown): string {
  if (typeof id === "string" && ID.test(id)) return id;
  throw new StatusError("INVALID_ARGUMENT", `${field} must match ${ID.source}.`);
}
