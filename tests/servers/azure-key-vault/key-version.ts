import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Secp256k1Key, type SignatureShape } from "../support/secp256k1-key.ts";

/** EC keys of either curve name sign; the others exist to be refused. */
export type KeyCurve = "P-256K" | "SECP256K1" | "P-256" | "P-384" | "RSA";

export interface KeySettings {
  /** Its identifier, 32 hexadecimal digits. Default: random. */
  readonly version?: string | undefined;
  /** Default: P-256K, today's name of the curve. SECP256K1 is that of keys made before 2018. */
  readonly curve?: KeyCurve | undefined;
  /** Default: EC, a key in software. */
  readonly kty?: "EC" | "EC-HSM" | undefined;
  /** 32 bytes as hex. Default: random. */
  readonly privateKey?: string | undefined;
  readonly keyOps?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
  /** Seconds since 1970, as the protocol has them. */
  readonly nbf?: number | undefined;
  readonly exp?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** One version of a key: its material, and the attributes that an operator can change. */
export class KeyVersion {
  readonly version: string;
  readonly created = Math.floor(Date.now() / 1000);
  readonly curve: KeyCurve;
  keyOps: readonly string[];
  enabled: boolean;
  nbf: number | undefined;
  exp: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Leaves the leading zero bytes of x and y out, as some services do. */
  shortCoordinates = false;
  /** What the attributes have of exportable, hsmPlatform and the like. */
  moreAttributes: Readonly<Record<string, unknown>> = {};
  /** KeyAttestation of the REST reference, its bytes in base64url. */
  attestation: Readonly<Record<string, string>> | undefined;
  /** Undefined for keys that cannot sign for Ethereum. */
  readonly key: Secp256k1Key | undefined;
  readonly #foreign: Readonly<Record<string, unknown>> | undefined;
  readonly #kty: string;

  constructor(settings: KeySettings = {}) {
    const { curve = "P-256K", kty = "EC", privateKey, keyOps = ["sign", "verify"], enabled = true } = settings;
    this.version = settings.version ?? randomUUID().replaceAll("-", "");
    this.curve = curve;
    this.#kty = curve === "RSA" ? "RSA" : kty;
    this.keyOps = keyOps;
    this.enabled = enabled;
    this.nbf = settings.nbf;
    this.exp = settings.exp;
    this.tags = settings.tags ?? {};
    const ethereum = curve === "P-256K" || curve === "SECP256K1";
    this.key = ethereum ? new Secp256k1Key(privateKey ?? randomPrivateKey()) : undefined;
    this.#foreign = ethereum ? undefined : foreignJwk(curve);
  }

  /** The JSON Web Key, its `kid` under this address of the vault. */
  jwk(kid: string): Record<string, unknown> {
    const material = this.key
      ? { crv: this.curve, x: this.#coordinate(this.key.x), y: this.#coordinate(this.key.y) }
      : this.#foreign;
    return { kid, kty: this.#kty, key_ops: this.keyOps, ...material };
  }

  attributes(): Record<string, unknown> {
    const { enabled, nbf, exp, created } = this;
    return {
      enabled,
      nbf,
      exp,
      created,
      updated: created,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: 90,
      ...this.moreAttributes,
    };
  }

  /** The answer to a request that gets, creates or imports it. */
  bundle(kid: string): Record<string, unknown> {
    return { key: this.jwk(kid), attributes: this.attributes(), tags: this.tags };
  }

  get algorithm(): string {
    return this.curve === "SECP256K1" ? "ECDSA256" : "ES256K";
  }

  sign(digest: Uint8Array, shape: SignatureShape): Uint8Array {
    if (!this.key) throw new Error("no key of this curve signs here");
    return this.key.signCompact(digest, shape);
  }

  #coordinate(bytes: Uint8Array): string {
    const start = this.shortCoordinates ? bytes.findIndex((byte) => byte !== 0) : 0;
    return Buffer.from(bytes.slice(start)).toString("base64url");
  }
}

function randomPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  return Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url").toString("hex");
}

function foreignJwk(curve: KeyCurve): Readonly<Record<string, unknown>> {
  const { publicKey } =
    curve === "RSA"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: curve });
  const { kty: _, ...jwk } = publicKey.export({ format: "jwk" });
  return jwk;
}
