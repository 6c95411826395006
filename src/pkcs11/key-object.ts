import { hexlify } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { SignerError } from "../core/errors.ts";
import { publicKeyFromEcPoint } from "../core/public-key.ts";
import { CKR, returnValueOf } from "./errors.ts";
import type { Cryptoki } from "./module.ts";
import type { KeySelector } from "./options.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKO_PUBLIC_KEY = 2;
const CKO_PRIVATE_KEY = 3;
const CKK_EC = 3;
const CKA_CLASS = 0x000;
const CKA_LABEL = 0x003;
const CKA_KEY_TYPE = 0x100;
const CKA_ID = 0x102;
const CKA_SIGN = 0x108;
const CKA_EC_PARAMS = 0x180;
const CKA_EC_POINT = 0x181;

// The DER of the named curve's object identifier 1.3.132.0.10 (SEC 2 v2, section A.2.1).
const SECP256K1_PARAMS = "0x06052b8104000a";

// How many objects one error names, and how many candidates are told apart at most.
const MAX_LISTED = 16;

type Handle = Buffer;
type Template = Parameters<Cryptoki["C_FindObjectsInit"]>[1];

interface ObjectSelector {
  readonly label: string | Uint8Array | undefined;
  readonly id: Uint8Array | undefined;
}

/** A private key on a token that can sign for Ethereum. */
export interface KeyObject {
  /** The CK_OBJECT_HANDLE of the private key; good for the sessions of this login only. */
  readonly handle: Handle;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
}

/** One session's view of the token's objects. */
export class KeyFinder {
  readonly #cryptoki: Cryptoki;
  readonly #session: Handle;

  constructor(cryptoki: Cryptoki, session: Handle) {
    this.#cryptoki = cryptoki;
    this.#session = session;
  }

  /**
   * Finds the private key, checks that it may sign on secp256k1, and reads its public key: from the public object that
   * belongs to it, else from the private one, else `fallback`.
   */
  find(selector: KeySelector, fallback: Uint8Array | undefined): KeyObject {
    const handle = this.#findPrivateKey(selector);
    if (this.#number(handle, CKA_KEY_TYPE) !== CKK_EC) {
      throw unusable(`the key ${describe(selector)} is no EC key (CKA_KEY_TYPE); create one on secp256k1`);
    }
    if (this.#read(handle, CKA_SIGN)?.[0] === 0) {
      throw unusable(`the key ${describe(selector)} may not sign (CKA_SIGN is false); use one created for signing`);
    }
    const publicObjects = this.#findPublicKeys(handle);
    this.#checkCurve([handle, ...publicObjects], selector);
    return { handle, publicKey: this.#publicKey(publicObjects, handle, selector, fallback) };
  }

  #findPrivateKey(selector: KeySelector): Handle {
    const candidates = this.#objects(CKO_PRIVATE_KEY, selector);
    const [only, another] = candidates;
    if (only === undefined) throw this.#noSuchKey(selector);
    if (another === undefined) return only;
    const ids = candidates.map((handle) => hexlify(this.#read(handle, CKA_ID) ?? new Uint8Array()));
    throw unusable(
      `the token has several private keys ${describe(selector)}; name one by keyId (CKA_ID), or give them different ` +
        `ones. Theirs are ${ids.join(", ")}`,
    );
  }

  #noSuchKey(selector: KeySelector): SignerError {
    const labels = this.#objects(CKO_PRIVATE_KEY, { label: undefined, id: undefined }).map((handle) =>
      JSON.stringify(Buffer.from(this.#read(handle, CKA_LABEL) ?? []).toString()),
    );
    const shown =
      labels.length === 0
        ? "it shows no private key at all: private keys are visible after a login with the right user's PIN only"
        : `the private keys that it shows are labelled ${labels.join(", ")}`;
    return new SignerError("KEY_NOT_FOUND", `the token has no private key ${describe(selector)}; ${shown}`, {
      operation: "C_FindObjects",
    });
  }

  // The private key's CKA_ID should tie the two halves, but there are tokens where all keys have the same, or none, and
  // tools that label one half otherwise: what agrees in both is taken first.
  #findPublicKeys(privateKey: Handle): Handle[] {
    const id = this.#read(privateKey, CKA_ID);
    const label = this.#read(privateKey, CKA_LABEL);
    const both = this.#objects(CKO_PUBLIC_KEY, { id, label });
    if (both.length > 0) return both;
    const byId = id?.length ? this.#objects(CKO_PUBLIC_KEY, { id, label: undefined }) : [];
    return byId.length > 0 || !label?.length ? byId : this.#objects(CKO_PUBLIC_KEY, { id: undefined, label });
  }

  #checkCurve(handles: readonly Handle[], selector: KeySelector): void {
    for (const handle of handles) {
      const params = this.#read(handle, CKA_EC_PARAMS);
      if (params === undefined || params.length === 0 || hexlify(params) === SECP256K1_PARAMS) continue;
      throw unusable(
        `the key ${describe(selector)} is on another curve (CKA_EC_PARAMS ${hexlify(params)}); Ethereum needs ` +
          `secp256k1 (${SECP256K1_PARAMS}). Create one`,
      );
    }
  }

  #publicKey(
    publicObjects: readonly Handle[],
    privateKey: Handle,
    selector: KeySelector,
    fallback: Uint8Array | undefined,
  ): Uint8Array {
    const points = [...publicObjects, privateKey].flatMap((handle) => {
      const ecPoint = this.#read(handle, CKA_EC_POINT);
      return ecPoint && ecPoint.length > 0 ? [publicKeyFromEcPoint(ecPoint)] : [];
    });
    const [publicKey = fallback, ...others] = points;
    if (publicKey === undefined) {
      throw unusable(
        `the token shows no public key for ${describe(selector)}; import its public object, or pass the option publicKey`,
      );
    }
    if (others.some((other) => !equalBytes(other, publicKey))) {
      throw unusable(
        `the token has different public keys for ${describe(selector)}; give each pair a CKA_ID of its own, and name it by keyId`,
      );
    }
    if (fallback && !equalBytes(fallback, publicKey)) {
      throw unusable(`the option publicKey is not the public key that the token shows for ${describe(selector)}`);
    }
    return publicKey;
  }

  #objects(objectClass: number, { label, id }: ObjectSelector): Handle[] {
    const template: Template = [{ type: CKA_CLASS, value: objectClass }];
    if (label !== undefined) template.push({ type: CKA_LABEL, value: Buffer.from(label) });
    if (id !== undefined) template.push({ type: CKA_ID, value: Buffer.from(id) });
    this.#cryptoki.C_FindObjectsInit(this.#session, template);
    try {
      const found: Handle[] = [];
      while (found.length < MAX_LISTED) {
        // A module may answer fewer than asked for before the end.
        const page = this.#cryptoki.C_FindObjects(this.#session, MAX_LISTED - found.length);
        if (page.length === 0) break;
        found.push(...page);
      }
      return found;
    } finally {
      this.#cryptoki.C_FindObjectsFinal(this.#session);
    }
  }

  #number(handle: Handle, type: number): number | undefined {
    const value = this.#read(handle, type);
    return value && Number(BigInt(hexlify(Uint8Array.from(value).reverse())));
  }

  /** The attribute's bytes; undefined where the object does not have it, or does not show it. */
  #read(handle: Handle, type: number): Uint8Array | undefined {
    try {
      const value = this.#cryptoki.C_GetAttributeValue(this.#session, handle, [{ type }])[0]?.value;
      return Buffer.isBuffer(value) ? Uint8Array.from(value) : undefined;
    } catch (error) {
      const hidden: (number | undefined)[] = [CKR.ATTRIBUTE_TYPE_INVALID, CKR.ATTRIBUTE_SENSITIVE];
      if (hidden.includes(returnValueOf(error))) return undefined;
      throw error;
    }
  }
}

function describe({ label, id }: KeySelector): string {
  const parts = [];
  if (label !== undefined) parts.push(`labelled ${JSON.stringify(label)}`);
  if (id !== undefined) parts.push(`with CKA_ID ${hexlify(id)}`);
  return parts.join(" and ");
}

function unusable(message: string): SignerError {
  return new SignerError("KEY_UNUSABLE", message, { operation: "C_FindObjects" });
}
