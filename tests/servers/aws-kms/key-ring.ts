import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Secp256k1Key, spkiOf } from "../support/secp256k1-key.ts";
import { aliasNotFound, foreignArn, keyNotFound } from "./exceptions.ts";

type KeyState = "Enabled" | "Disabled" | "PendingDeletion" | "PendingImport";
export type KeySpec = "ECC_SECG_P256K1" | "ECC_NIST_P256" | "RSA_2048" | "SYMMETRIC_DEFAULT";

type KeyOrigin = "AWS_KMS" | "EXTERNAL";

export interface KmsKeyRecord {
  readonly keyId: string;
  readonly arn: string;
  readonly spec: KeySpec;
  readonly usage: string;
  readonly algorithms: readonly string[];
  readonly origin: KeyOrigin;
  /** AWS's own keys, made for its services. */
  readonly manager: "CUSTOMER" | "AWS";
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
  readonly policy: string | undefined;
  /** DER; undefined for a symmetric key, and before an import. */
  spki: Uint8Array | undefined;
  /** Only for secp256k1. */
  signer: Secp256k1Key | undefined;
  /** The import that it waits for. */
  importToken: string | undefined;
  expirationModel: string | undefined;
  state: KeyState;
  /** With it, every request needs this grant token. */
  grantToken: string | undefined;
}

export interface NewKey {
  /** Default: a random one. */
  readonly keyId?: string | undefined;
  /** A Multi-Region key: its id begins with `mrk-`. */
  readonly multiRegion?: boolean | undefined;
  readonly usage?: string | undefined;
  readonly manager?: "CUSTOMER" | "AWS" | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly description?: string | undefined;
  readonly policy?: string | undefined;
}

const ALGORITHMS: Readonly<Record<KeySpec, readonly string[]>> = {
  ECC_SECG_P256K1: ["ECDSA_SHA_256"],
  ECC_NIST_P256: ["ECDSA_SHA_256"],
  RSA_2048: ["RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"],
  SYMMETRIC_DEFAULT: [],
};

/** The keys and aliases of one account in one Region. */
export class KeyRing {
  readonly keys: KmsKeyRecord[] = [];
  readonly aliases = new Map<string, KmsKeyRecord>();
  readonly #byId = new Map<string, KmsKeyRecord>();
  readonly #region: string;
  readonly #account: string;

  constructor(region: string, account: string) {
    this.#region = region;
    this.#account = account;
  }

  /** A secp256k1 key with this private key, 32 bytes as hex. */
  importKey(privateKey: string, options: NewKey = {}): KmsKeyRecord {
    const signer = new Secp256k1Key(privateKey);
    return this.#add("ECC_SECG_P256K1", options, spkiOf(signer), signer);
  }

  /** A secp256k1 key that waits for its material. */
  awaitKey(options: NewKey = {}): KmsKeyRecord {
    return this.#add("ECC_SECG_P256K1", options, undefined, undefined);
  }

  /** A key of another spec, which cannot sign here. */
  createKey(spec: Exclude<KeySpec, "ECC_SECG_P256K1">, options: NewKey = {}): KmsKeyRecord {
    return this.#add(spec, options, generateSpki(spec), undefined);
  }

  #add(spec: KeySpec, options: NewKey, spki: Uint8Array | undefined, signer: Secp256k1Key | undefined): KmsKeyRecord {
    const uuid = randomUUID();
    const keyId = options.keyId ?? (options.multiRegion ? `mrk-${uuid.replaceAll("-", "")}` : uuid);
    const { usage = spec === "SYMMETRIC_DEFAULT" ? "ENCRYPT_DECRYPT" : "SIGN_VERIFY" } = options;
    const { manager = "CUSTOMER", tags = {}, description = "", policy } = options;
    const waits = spec === "ECC_SECG_P256K1" && signer === undefined;
    const record: KmsKeyRecord = {
      ...{ keyId, arn: this.#arn(`key/${keyId}`), spec, usage, manager, tags, description, policy, spki, signer },
      algorithms: usage === "SIGN_VERIFY" ? ALGORITHMS[spec] : [],
      origin: waits ? "EXTERNAL" : "AWS_KMS",
      state: waits ? "PendingImport" : "Enabled",
      ...{ importToken: undefined, expirationModel: undefined, grantToken: undefined },
    };
    this.keys.push(record);
    this.#byId.set(keyId, record);
    return record;
  }

  /** Creates the alias, or points it at another key. @param name with `alias/`. @returns its ARN. */
  putAlias(name: string, key: KmsKeyRecord): string {
    this.aliases.set(name, key);
    return this.#arn(name);
  }

  aliasArn(name: string): string {
    return this.#arn(name);
  }

  /** The key that a key id, key ARN, alias name or alias ARN names. */
  find(identifier: string): KmsKeyRecord {
    const prefix = this.#arn("");
    if (identifier.startsWith("arn:") && !identifier.startsWith(prefix))
      throw foreignArn(identifier.split(":")[3] ?? "");
    const resource = identifier.startsWith(prefix) ? identifier.slice(prefix.length) : identifier;
    if (resource.startsWith("alias/")) {
      const aliased = this.aliases.get(resource);
      if (!aliased) throw aliasNotFound(this.#arn(resource));
      return aliased;
    }
    const keyId = resource.replace(/^key\//, "");
    const key = this.#byId.get(keyId);
    if (!key) throw keyNotFound(this.#arn(`key/${keyId}`));
    return key;
  }

  #arn(resource: string): string {
    return `arn:aws:kms:${this.#region}:${this.#account}:${resource}`;
  }
}

function generateSpki(spec: KeySpec): Uint8Array | undefined {
  if (spec === "SYMMETRIC_DEFAULT") return undefined;
  const { publicKey } =
    spec === "RSA_2048"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}
