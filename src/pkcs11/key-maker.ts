import { randomBytes } from "node:crypto";
import { hexlify } from "ethers";
import { SignerError } from "../core/errors.ts";
import { CKA, CKK, CKM, CKO, SECP256K1_PARAMS } from "./attributes.ts";
import type { Handle, Template } from "./cryptoki.ts";
import { returnValueOf } from "./errors.ts";
import { type KeyName, labelText } from "./key-name.ts";
import { isWriteConflict, type TokenObjects } from "./objects.ts";
import type { PrivateKey } from "./private-key.ts";
import { CKR } from "./return-values.ts";
import type { Pkcs11Session } from "./session.ts";
import type { NewKeyName } from "./store-options.ts";

const EC_PARAMS = { type: CKA.EC_PARAMS, value: Buffer.from(SECP256K1_PARAMS) };

// What a token answers that does not take a private key in the clear, or a public key at all.
const REFUSED: ReadonlySet<number | undefined> = new Set([
  CKR.ATTRIBUTE_READ_ONLY,
  CKR.ATTRIBUTE_TYPE_INVALID,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.ACTION_PROHIBITED,
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.TEMPLATE_INCOMPLETE,
  CKR.TEMPLATE_INCONSISTENT,
]);

/** A private key that was made on the token. */
export interface MadeKey {
  readonly privateKey: Handle;
  /** All objects that were made. */
  readonly objects: readonly Handle[];
}

/**
 * Makes a key while no other call of this process makes one with its label or its CKA_ID on the token. After a conflict with
 * another writer, which has left nothing of this name, it is made once more, alone.
 *
 * @throws SignerError KEY_EXISTS if a key of the token has one of them, or is being made with it.
 */
export async function makeNamed<T>(session: Pkcs11Session, name: KeyName, make: () => Promise<T>): Promise<T> {
  const { reserved } = session.shared;
  const parts = [
    { type: CKA.LABEL, value: name.label, text: `the label ${JSON.stringify(labelText(name))}` },
    { type: CKA.ID, value: name.id, text: `the CKA_ID ${hexlify(name.id)}` },
  ];
  for (const { text } of parts) if (reserved.has(text)) throw taken(text, "is being made");
  for (const { text } of parts) reserved.add(text);
  const findTaken = async () => {
    for (const part of parts) if (!(await isFree(session, part.type, part.value))) return part;
    return undefined;
  };
  try {
    const part = await findTaken();
    if (part) throw taken(part.text, "exists already");
    try {
      return await make();
    } catch (error) {
      if (!isWriteConflict(error) || (await findTaken())) throw error;
      return await session.objects.alone(make);
    }
  } finally {
    for (const { text } of parts) reserved.delete(text);
  }
}

async function isFree(session: Pkcs11Session, type: number, value: Uint8Array): Promise<boolean> {
  for (const keyClass of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY]) {
    const template = [
      { type: CKA.CLASS, value: keyClass },
      { type, value: Buffer.from(value) },
    ];
    if ((await session.objects.find(template, 1)).length > 0) return false;
  }
  return true;
}

function taken(name: string, why: string): SignerError {
  return new SignerError("KEY_EXISTS", `a key of the token with ${name} ${why}; choose another. Nothing was made`);
}

/**
 * A new key pair on secp256k1 (PKCS#11 v2.40 mechanisms, section 2.3.5), made off the event loop. What a generation that failed
 * has left on the token is removed.
 */
export async function generateKeyPair({ objects }: Pkcs11Session, name: NewKeyName): Promise<MadeKey> {
  const publicTemplate = [...publicHalf(name), EC_PARAMS];
  try {
    const made = await objects.generateKeyPair(CKM.EC_KEY_PAIR_GEN, publicTemplate, privateHalf(name));
    return { privateKey: made.privateKey, objects: [made.privateKey, made.publicKey] };
  } catch (error) {
    throw await removingLeftovers(objects, name, error);
  }
}

// A whole pair of a name that the caller chose may be one that another process has made meanwhile.
async function removingLeftovers(objects: TokenObjects, name: NewKeyName, error: unknown): Promise<unknown> {
  try {
    const [privateKeys = [], publicKeys = []] = await findHalves(objects, name);
    if (!name.hasRandomId && privateKeys.length > 0 && publicKeys.length > 0) return error;
    return await removing(objects, [...privateKeys, ...publicKeys], error);
  } catch {
    // The session went with the generation.
    return error;
  }
}

async function findHalves(objects: TokenObjects, name: KeyName): Promise<Handle[][]> {
  const halves: Handle[][] = [];
  for (const keyClass of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY]) {
    halves.push(await objects.find([{ type: CKA.CLASS, value: keyClass }, ...naming(name)]));
  }
  return halves;
}

/**
 * Puts a key pair on the token: the private half by C_CreateObject, or, if the token refuses that, by C_UnwrapKey under a
 * wrapping key that exists for this session only. The public half of a token that makes it itself, and takes none, is that one.
 */
export async function importKeyPair(session: Pkcs11Session, name: KeyName, key: PrivateKey): Promise<MadeKey> {
  const privateKey = await importPrivateKey(session, name, key);
  try {
    const point = Buffer.from([0x04, key.publicKey.length, ...key.publicKey]);
    const publicKey = await session.objects.create([
      { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
      { type: CKA.KEY_TYPE, value: CKK.EC },
      ...publicHalf(name),
      EC_PARAMS,
      { type: CKA.EC_POINT, value: point },
    ]);
    return { privateKey, objects: [privateKey, publicKey] };
  } catch (error) {
    if (REFUSED.has(returnValueOf(error)) && (await showsPublicKey(session, name))) {
      return { privateKey, objects: [privateKey] };
    }
    throw await removing(session.objects, [privateKey], error);
  }
}

async function showsPublicKey({ objects }: Pkcs11Session, name: KeyName): Promise<boolean> {
  return (await objects.find([{ type: CKA.CLASS, value: CKO.PUBLIC_KEY }, ...naming(name)], 1)).length > 0;
}

/** Removes what was made before `error`. @returns the error to throw: one that says so if it cannot be removed. */
export async function removing(objects: TokenObjects, made: readonly Handle[], error: unknown): Promise<unknown> {
  try {
    for (const handle of made) await objects.destroy(handle);
    return error;
  } catch (failure) {
    const { message } = failure as Error;
    return new SignerError(
      "BACKEND_UNAVAILABLE",
      `the key was made but cannot be used, and it could not be removed: ${message}. Remove it with the token's own tool`,
      { operation: "C_DestroyObject", retryable: false, cause: error },
    );
  }
}

async function importPrivateKey(session: Pkcs11Session, name: KeyName, key: PrivateKey): Promise<Handle> {
  const template = [
    { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
    { type: CKA.KEY_TYPE, value: CKK.EC },
    ...privateHalf(name),
  ];
  try {
    const secret = { type: CKA.VALUE, value: key.bytes };
    return await session.objects.create([...template, EC_PARAMS, secret]);
  } catch (refusal) {
    if (!REFUSED.has(returnValueOf(refusal)) || !(await offersUnwrapping(session))) throw refusal;
    return unwrapPrivateKey(session.objects, template, key);
  }
}

async function offersUnwrapping({ cryptoki, slot }: Pkcs11Session): Promise<boolean> {
  return (await cryptoki.getMechanismFlags(slot.handle, CKM.AES_KEY_WRAP_PAD)) !== undefined;
}

async function unwrapPrivateKey(objects: TokenObjects, template: Template, key: PrivateKey): Promise<Handle> {
  const secret = randomBytes(32);
  try {
    const wrappingKey = await objects.create(wrappingTemplate(secret));
    try {
      return await objects.unwrap(CKM.AES_KEY_WRAP_PAD, wrappingKey, key.wrap(secret), template);
    } finally {
      await discard(objects, wrappingKey);
    }
  } finally {
    secret.fill(0);
  }
}

async function discard(objects: TokenObjects, sessionObject: Handle): Promise<void> {
  try {
    await objects.destroy(sessionObject);
  } catch {
    // It ends with the session.
  }
}

function wrappingTemplate(secret: Buffer): Template {
  return [
    { type: CKA.CLASS, value: CKO.SECRET_KEY },
    { type: CKA.KEY_TYPE, value: CKK.AES },
    { type: CKA.TOKEN, value: false },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.ENCRYPT, value: false },
    { type: CKA.DECRYPT, value: false },
    { type: CKA.WRAP, value: false },
    { type: CKA.UNWRAP, value: true },
    { type: CKA.VALUE, value: secret },
  ];
}

// Tokens' defaults differ (AWS CloudHSM's private keys are extractable, and may not sign): nothing is left to them.
function privateHalf(name: KeyName): Template {
  return [
    { type: CKA.TOKEN, value: true },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.SIGN, value: true },
    { type: CKA.DECRYPT, value: false },
    { type: CKA.UNWRAP, value: false },
    { type: CKA.DERIVE, value: false },
    ...naming(name),
  ];
}

// CKA_PRIVATE is left to the token: AWS CloudHSM takes no public object with false, which is others' default.
function publicHalf(name: KeyName): Template {
  return [
    { type: CKA.TOKEN, value: true },
    { type: CKA.VERIFY, value: true },
    { type: CKA.ENCRYPT, value: false },
    { type: CKA.WRAP, value: false },
    ...naming(name),
  ];
}

function naming({ label, id }: KeyName): Template {
  return [
    { type: CKA.LABEL, value: Buffer.from(label) },
    { type: CKA.ID, value: Buffer.from(id) },
  ];
}
