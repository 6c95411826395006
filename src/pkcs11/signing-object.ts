import { endianness } from "node:os";
import { hexlify, toBigInt } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { SignerError } from "../core/errors.ts";
import { publicKeyFromEcPoint, publicKeyFromSec1 } from "../core/public-key.ts";
import { CKA, CKK, CKO, isSecp256k1, SECP256K1_PARAMS } from "./attributes.ts";
import type { Handle, Template } from "./cryptoki.ts";
import { describe, type KeyName, keyName, similarLabelHint } from "./key-name.ts";
import type { KeyProtection } from "./key-protection.ts";
import type { PublicKeyLookup } from "./object-index.ts";
import type { TokenObjects } from "./objects.ts";
import type { KeySelector } from "./options.ts";
import { CKR } from "./return-values.ts";

// How many objects one error names.
const MAX_LISTED = 16;

/** The template of every private EC key. */
export const PRIVATE_EC_KEYS: Template = [
  { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
  { type: CKA.KEY_TYPE, value: CKK.EC },
];

interface ObjectSelector {
  readonly label: string | Uint8Array | undefined;
  readonly id: Uint8Array | undefined;
}

/** A private key on a token that can sign for Ethereum. */
export interface SigningObject {
  /** The CK_OBJECT_HANDLE of the private key; good for the sessions of this login only. */
  readonly handle: Handle;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
  readonly protection: KeyProtection;
  /** Whether each signature needs the PIN (CKA_ALWAYS_AUTHENTICATE). */
  readonly needsPin: boolean;
  /** Where its CKA_EC_POINT was read; undefined if the token shows none. */
  readonly point: EcPoint | undefined;
}

interface EcPoint {
  /** The CK_OBJECT_HANDLE of the public or the private key. */
  readonly object: Handle;
  readonly value: Uint8Array;
}

export interface InspectOptions {
  /** The public key where the token shows none. */
  readonly fallback?: Uint8Array | undefined;
  /** Where to look for its public key before that is searched on the token. */
  readonly lookup?: PublicKeyLookup | undefined;
}

/** Finds keys among the objects of a token, and reads what signing with them needs. */
export class KeyFinder {
  readonly #objects: TokenObjects;

  readonly #token: PublicKeyLookup = {
    publicKeys: ({ label, id }) => this.#find(CKO.PUBLIC_KEY, { label, id }),
  };

  constructor(objects: TokenObjects) {
    this.#objects = objects;
  }

  /** Finds the private key, and reads it as {@link inspect} does. */
  async find(selector: KeySelector, fallback: Uint8Array | undefined): Promise<SigningObject> {
    return this.inspect(await this.#findPrivateKey(selector), selector, { fallback });
  }

  /** Finds the one private key on secp256k1 that has exactly this label and this CKA_ID, and reads it likewise. */
  async findNamed(name: KeyName): Promise<SigningObject> {
    const selector = {
      label: name.label.length > 0 ? name.label : undefined,
      id: name.id.length > 0 ? name.id : undefined,
    };
    const fitting: Handle[] = [];
    for (const handle of await this.#objects.find([...PRIVATE_EC_KEYS, ...naming(selector)])) {
      const attributes = await this.#objects.readAll(handle, [CKA.LABEL, CKA.ID, CKA.EC_PARAMS]);
      const { label, id } = keyName(attributes);
      if (equalBytes(label, name.label) && equalBytes(id, name.id) && mayBeSecp256k1(attributes[2]))
        fitting.push(handle);
    }
    const [only, another] = fitting;
    if (only === undefined) throw gone(name);
    if (another !== undefined) throw ambiguous(name);
    return this.inspect(only, name);
  }

  /**
   * Checks that a private key may sign on secp256k1, and reads its public key: from the public object that belongs to it,
   * else from the private one, else `fallback`.
   */
  async inspect(
    handle: Handle,
    selector: KeySelector | KeyName,
    { fallback, lookup }: InspectOptions = {},
  ): Promise<SigningObject> {
    const [type, sign, sensitive, extractable] = await this.#objects.readAll(handle, [
      CKA.KEY_TYPE,
      CKA.SIGN,
      CKA.SENSITIVE,
      CKA.EXTRACTABLE,
    ]);
    if (type === undefined || numberOf(type) !== CKK.EC) {
      throw unusable(`the key ${describe(selector)} is not an EC key (CKA_KEY_TYPE); create one on secp256k1`);
    }
    if (flag(sign) === false) {
      throw unusable(`the key ${describe(selector)} may not sign (CKA_SIGN is false); use one created for signing`);
    }
    const indexed = lookup ? await this.#findPublicKeys(handle, lookup) : [];
    // wolfPKCS11 finds ten objects per search: an index may lack some.
    const publicObjects = indexed.length > 0 ? indexed : await this.#findPublicKeys(handle, this.#token);
    await this.#checkCurve([handle, ...publicObjects], selector);
    const points = await this.#readPoints([...publicObjects, handle]);
    const publicKey = agreedPublicKey(points, selector, fallback);
    const protection = { sensitive: flag(sensitive), extractable: flag(extractable) };
    // Apart from the others: a token that does not know it answers nothing if it is asked for with others.
    const needsPin = flag(await this.#objects.read(handle, CKA.ALWAYS_AUTHENTICATE)) === true;
    return { handle, publicKey, protection, needsPin, point: points[0] };
  }

  /** @throws SignerError KEY_NOT_FOUND unless the token shows the same CKA_EC_POINT: object handles are given out again. */
  async requireSame({ point }: SigningObject): Promise<void> {
    if (!point) return;
    const value = await this.#objects.read(point.object, CKA.EC_POINT);
    if (value && equalBytes(value, point.value)) return;
    throw new SignerError("KEY_NOT_FOUND", "the key was replaced; the next call looks for it again", {
      operation: "C_GetAttributeValue",
      info: { returnValue: CKR.OBJECT_HANDLE_INVALID },
    });
  }

  async #findPrivateKey(selector: KeySelector): Promise<Handle> {
    let candidates = await this.#find(CKO.PRIVATE_KEY, selector);
    if (candidates.length === 0) {
      const missing = await this.#noSuchKey(selector);
      // It may have been put back while the others were listed: the error would name it among them.
      candidates = await this.#find(CKO.PRIVATE_KEY, selector);
      if (candidates.length === 0) throw missing;
    }
    const [only, another] = candidates as [Handle, ...Handle[]];
    if (another === undefined) return only;
    const ids = listing(await this.#readEach(candidates, CKA.ID), candidates.length, hexlify);
    throw unusable(
      `the token has several private keys ${describe(selector)}; name one by keyId (CKA_ID), or give them different ` +
        `ones. Theirs are ${ids}`,
    );
  }

  async #noSuchKey(selector: KeySelector): Promise<SignerError> {
    const shownKeys = await this.#find(CKO.PRIVATE_KEY, { label: undefined, id: undefined });
    const labels = await this.#readEach(shownKeys, CKA.LABEL);
    const shown =
      shownKeys.length === 0
        ? "it shows no private key at all: private keys are visible after a login with the right user's PIN only"
        : `the private keys that it shows are labelled ${listing(labels, shownKeys.length, quoted)}`;
    const hint = similarLabelHint(selector.label, labels);
    return new SignerError("KEY_NOT_FOUND", `the token has no private key ${describe(selector)}; ${shown}${hint}`, {
      operation: "C_FindObjects",
    });
  }

  // The private key's CKA_ID should tie the two halves, but there are tokens where all keys have the same, or none, and
  // tools that label one half otherwise: what agrees in both is taken first.
  async #findPublicKeys(privateKey: Handle, lookup: PublicKeyLookup): Promise<readonly Handle[]> {
    const [label, id] = await this.#objects.readAll(privateKey, [CKA.LABEL, CKA.ID]);
    if (label === undefined && id === undefined) return [];
    const both = await lookup.publicKeys({ ...(label && { label }), ...(id && { id }) });
    if (both.length > 0) return both;
    const byId = id?.length ? await this.#unclaimed(await lookup.publicKeys({ id })) : [];
    if (byId.length > 0 || !label?.length) return byId;
    return this.#unclaimed(await lookup.publicKeys({ label }));
  }

  // What agrees in both with another private key is that one's public half.
  async #unclaimed(publicObjects: readonly Handle[]): Promise<readonly Handle[]> {
    const unclaimed: Handle[] = [];
    for (const handle of publicObjects) {
      const name = await this.#objects.readName(handle);
      const isNamed = name.label.length > 0 && name.id.length > 0;
      if (isNamed && (await this.#find(CKO.PRIVATE_KEY, name)).length > 0) continue;
      unclaimed.push(handle);
    }
    return unclaimed;
  }

  async #checkCurve(handles: readonly Handle[], selector: KeySelector | KeyName): Promise<void> {
    for (const handle of handles) {
      const params = await this.#objects.read(handle, CKA.EC_PARAMS);
      if (params === undefined || mayBeSecp256k1(params)) continue;
      throw unusable(
        `the key ${describe(selector)} is on another curve (CKA_EC_PARAMS ${hexlify(params)}); Ethereum needs ` +
          `secp256k1 (${hexlify(SECP256K1_PARAMS)}). Create one`,
      );
    }
  }

  async #readPoints(objects: readonly Handle[]): Promise<EcPoint[]> {
    const points: EcPoint[] = [];
    for (const object of objects) {
      const value = await this.#objects.read(object, CKA.EC_POINT);
      if (value?.length) points.push({ object, value });
    }
    return points;
  }

  #find(objectClass: number, selector: ObjectSelector): Promise<Handle[]> {
    return this.#objects.find([{ type: CKA.CLASS, value: objectClass }, ...naming(selector)]);
  }

  // Of so many as one error names: each read may be a request to an HSM.
  async #readEach(handles: readonly Handle[], type: number): Promise<Uint8Array[]> {
    const values: Uint8Array[] = [];
    for (const handle of handles.slice(0, MAX_LISTED)) values.push((await this.#objects.read(handle, type)) ?? NOTHING);
    return values;
  }
}

function listing(values: readonly Uint8Array[], count: number, write: (value: Uint8Array) => string): string {
  const others = count - values.length;
  return values.map(write).join(", ") + (others > 0 ? ` and ${others} more` : "");
}

function agreedPublicKey(
  points: readonly EcPoint[],
  selector: KeySelector | KeyName,
  fallback: Uint8Array | undefined,
): Uint8Array {
  // Every signature is verified against the option: it suffices where the token's own cannot be read.
  const decoded = points
    .map(({ value }) => decodePoint(value, selector))
    .filter((point) => point instanceof Uint8Array || !fallback);
  const [publicKey = fallback, ...others] = decoded.map((point) => {
    if (point instanceof Uint8Array) return point;
    throw point;
  });
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

function decodePoint(value: Uint8Array, selector: KeySelector | KeyName): Uint8Array | SignerError {
  // A BIT STRING without unused bits, of a point with y or without.
  const isBits =
    (value.length === 68 || value.length === 36) && value[0] === 3 && value[1] === value.length - 2 && !value[2];
  try {
    return isBits ? publicKeyFromSec1(value.slice(3)) : publicKeyFromEcPoint(value);
  } catch (cause) {
    return new SignerError(
      "BACKEND_RESPONSE_INVALID",
      `CKA_EC_POINT of the key ${describe(selector)} is not a point of secp256k1 (${hexlify(value)}); pass the option publicKey`,
      { operation: "C_GetAttributeValue", cause },
    );
  }
}

function quoted(label: Uint8Array): string {
  return JSON.stringify(Buffer.from(label).toString());
}

function naming({ label, id }: ObjectSelector): Template {
  return [
    ...(label === undefined ? [] : [{ type: CKA.LABEL, value: Buffer.from(label) }]),
    ...(id === undefined ? [] : [{ type: CKA.ID, value: Buffer.from(id) }]),
  ];
}

const NOTHING = new Uint8Array();

// A CK_ULONG: most machines have the least significant byte first.
function numberOf(bytes: Uint8Array): number {
  const bigEndian = endianness() === "BE" ? bytes : Uint8Array.from(bytes).reverse();
  return Number(toBigInt(bigEndian));
}

// A CK_BBOOL.
function flag(bytes: Uint8Array | undefined): boolean | undefined {
  const [value] = bytes ?? [];
  return value === undefined ? undefined : value !== 0;
}

/** Whether CKA_EC_PARAMS are those of secp256k1, or do not show: then the public object's decide. */
export function mayBeSecp256k1(params: Uint8Array | undefined): boolean {
  return !params?.length || isSecp256k1(params);
}

/** The error for keys that neither their label nor their CKA_ID tells apart. */
export function ambiguous(name: KeyName): SignerError {
  return unusable(`the token has several private keys ${describe(name)}; give each a CKA_ID of its own`);
}

function gone(name: KeyName): SignerError {
  return new SignerError(
    "KEY_NOT_FOUND",
    `the token has no private key ${describe(name)} any more; put it back, or list the keys again`,
    { operation: "C_FindObjects" },
  );
}

function unusable(message: string): SignerError {
  return new SignerError("KEY_UNUSABLE", message, { operation: "C_FindObjects" });
}
