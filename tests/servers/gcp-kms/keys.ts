import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { Secp256k1Key, spkiOf } from "../support/secp256k1-key.ts";
import { StatusError } from "./status.ts";

type Algorithm =
  | "EC_SIGN_SECP256K1_SHA256"
  | "EC_SIGN_P256_SHA256"
  | "RSA_SIGN_PSS_2048_SHA256"
  | "GOOGLE_SYMMETRIC_ENCRYPTION";

export type VersionState =
  | "PENDING_GENERATION"
  | "ENABLED"
  | "DISABLED"
  | "DESTROY_SCHEDULED"
  | "DESTROYED"
  | "PENDING_IMPORT"
  | "IMPORT_FAILED"
  | "GENERATION_FAILED";

/** One CryptoKeyVersion. */
export interface Version {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly protectionLevel: string;
  state: VersionState;
  /** How many more requests see it pending: an HSM makes keys asynchronously. */
  pending: number;
  /** undefined for keys that cannot sign here, and while material is missing. */
  signer: Secp256k1Key | undefined;
  /** DER. */
  spki: Uint8Array | undefined;
  importJob: string | undefined;
  failureReason: string | undefined;
  /** KeyOperationAttestation: format, content, certChains. */
  attestation?: Readonly<Record<string, unknown>> | undefined;
}

/** One CryptoKey. */
export interface Key {
  readonly name: string;
  readonly purpose: string;
  readonly algorithm: Algorithm;
  readonly protectionLevel: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly importOnly: boolean;
  readonly destroyScheduledDuration: string;
  readonly versions: Version[];
}

export interface NewKey {
  /** 32 bytes as hex. Default: a random key. */
  readonly privateKey?: string | undefined;
  readonly algorithm?: Algorithm | undefined;
  readonly protectionLevel?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly importOnly?: boolean | undefined;
  readonly destroyScheduledDuration?: string | undefined;
  /** Default: one. */
  readonly versions?: number | undefined;
}

/** One ImportJob. */
export interface ImportJob {
  readonly name: string;
  readonly importMethod: string;
  readonly protectionLevel: string;
  state: "PENDING_GENERATION" | "ACTIVE" | "EXPIRED";
  pending: number;
  readonly wrapping: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}

/** The key rings of some projects and locations, and what they hold, by full names. */
export class KeyRings {
  readonly rings = new Set<string>();
  readonly keys = new Map<string, Key>();
  readonly jobs = new Map<string, ImportJob>();
  readonly #keysOfRing = new Map<string, Key[]>();
  /** How many requests see a new version or import job pending. */
  pendingRequests = 0;

  /** Removes everything. */
  reset(): void {
    for (const each of [this.rings, this.keys, this.jobs, this.#keysOfRing]) each.clear();
  }

  addRing(name: string): string {
    this.rings.add(name);
    return name;
  }

  /** Adds a key with its versions. @param name its full name; the ring comes to be with it. */
  add(name: string, options: NewKey = {}): Key {
    const {
      algorithm = "EC_SIGN_SECP256K1_SHA256",
      protectionLevel = "HSM",
      labels = {},
      importOnly = false,
    } = options;
    const purpose = algorithm === "GOOGLE_SYMMETRIC_ENCRYPTION" ? "ENCRYPT_DECRYPT" : "ASYMMETRIC_SIGN";
    const { destroyScheduledDuration = "2592000s", versions = 1, privateKey } = options;
    const key: Key = {
      ...{ name, purpose, algorithm, protectionLevel, labels, importOnly, destroyScheduledDuration },
      versions: [],
    };
    const ring = name.slice(0, name.indexOf("/cryptoKeys/"));
    this.addRing(ring);
    this.keys.set(name, key);
    this.#keysOfRing.set(ring, [...(this.#keysOfRing.get(ring) ?? []), key]);
    for (let count = 0; count < versions; count++) this.addVersion(key, count === 0 ? privateKey : undefined);
    return key;
  }

  /** Another version: new material. @param privateKey default: random. */
  addVersion(key: Key, privateKey?: string): Version {
    const { algorithm, protectionLevel } = key;
    const signer = algorithm === "EC_SIGN_SECP256K1_SHA256" ? new Secp256k1Key(privateKey ?? randomKey()) : undefined;
    const version = this.awaitVersion(key, "ENABLED");
    Object.assign(version, {
      algorithm,
      protectionLevel,
      signer,
      spki: signer ? spkiOf(signer) : foreignSpki(algorithm),
    });
    return version;
  }

  /** A version without material. */
  awaitVersion(key: Key, state: VersionState): Version {
    const { algorithm, protectionLevel } = key;
    const version: Version = {
      ...{ name: `${key.name}/cryptoKeyVersions/${key.versions.length + 1}`, algorithm, protectionLevel, state },
      ...{ pending: 0, signer: undefined, spki: undefined, importJob: undefined, failureReason: undefined },
    };
    key.versions.push(version);
    return version;
  }

  keysOf(ring: string): readonly Key[] {
    if (!this.rings.has(ring)) throw notFound("KeyRing", ring);
    return this.#keysOfRing.get(ring) ?? [];
  }

  key(name: string): Key {
    const key = this.keys.get(name);
    if (!key) throw notFound("CryptoKey", name);
    return key;
  }

  /** The version, as it is now: a pending one has come one request closer to its end. */
  version(name: string): Version {
    const version = this.keys.get(keyNameOf(name))?.versions.find((each) => each.name === name);
    if (!version) throw notFound("CryptoKeyVersion", name);
    if (version.state === "PENDING_GENERATION" || (version.state === "PENDING_IMPORT" && version.importJob)) {
      if (version.pending-- <= 0) version.state = version.failureReason ? "IMPORT_FAILED" : "ENABLED";
    }
    return version;
  }

  job(name: string): ImportJob {
    const job = this.jobs.get(name);
    if (!job) throw notFound("ImportJob", name);
    if (job.state === "PENDING_GENERATION" && job.pending-- <= 0) job.state = "ACTIVE";
    return job;
  }
}

function keyNameOf(versionName: string): string {
  return versionName.split("/cryptoKeyVersions/", 1)[0] ?? "";
}

function notFound(kind: string, name: string): StatusError {
  return new StatusError("NOT_FOUND", `${kind} ${name} not found.`);
}

function randomKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  return Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url").toString("hex");
}

const foreign = new Map<Algorithm, Uint8Array>();

/** One key of each other algorithm: they exist to be refused. */
function foreignSpki(algorithm: Algorithm): Uint8Array | undefined {
  if (algorithm === "GOOGLE_SYMMETRIC_ENCRYPTION") return undefined;
  const { publicKey } = foreign.has(algorithm)
    ? { publicKey: undefined }
    : algorithm === "RSA_SIGN_PSS_2048_SHA256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (publicKey) foreign.set(algorithm, new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
  return foreign.get(algorithm);
}
