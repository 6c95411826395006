import { randomBytes } from "node:crypto";
import { assertArgument, hexlify } from "ethers";
import { SignerError } from "../core/errors.ts";
import { CKA, CKK, CKM, CKO, SECP256K1_PARAMS } from "./attributes.ts";
import type { Handle, KeyPairHandles, Template } from "./cryptoki.ts";
import { CKR, returnValueOf } from "./errors.ts";
import { type KeyName, labelText } from "./key-name.ts";
import type { TokenObjects } from "./objects.ts";
import type { PrivateKey } from "./private-key.ts";
import type { Pkcs11Session } from "./session.ts";

const EC_PARAMS = { type: CKA.EC_PARAMS, value: Buffer.from(SECP256K1_PARAMS) };

// What a token answers that does not take a private key in the clear.
const REFUSED: ReadonlySet<number | undefined> = new Set([
  CKR.ATTRIBUTE_READ_ONLY,
  CKR.ATTRIBUTE_TYPE_INVALID,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.ACTION_PROHIBITED,
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.TEMPLATE_INCOMPLETE,
  CKR.TEMPLATE_INCONSISTENT,
]);

/** @throws ethers' INVALID_ARGUMENT where a key of the token has the label or the CKA_ID already. */
export async function requireFree(session: Pkcs11Session, name: KeyName): Promise<void> {
  const isFree = async (type: number, value: Uint8Array): Promise<boolean> => {
    for (const keyClass of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY]) {
      const template = [
        { type: CKA.CLASS, value: keyClass },
        { type, value: Buffer.from(value) },
      ];
      if ((await session.objects.find(template, 1)).length > 0) return false;
    }
    return true;
  };
  const [label, id] = [labelText(name), hexlify(name.id)];
  assertArgument(await isFree(CKA.LABEL, name.label), "the token has a key with this label already", "label", label);
  assertArgument(await isFree(CKA.ID, name.id), "the token has a key with this CKA_ID already", "id", id);
}

/** A new key pair on secp256k1 (PKCS#11 v2.40 mechanisms, section 2.3.5), made off the event loop. */
export async function generateKeyPair(session: Pkcs11Session, name: KeyName): Promise<KeyPairHandles> {
  const publicTemplate = [...publicHalf(name), EC_PARAMS];
  return session.cryptoki.generateKeyPair(session.handle, CKM.EC_KEY_PAIR_GEN, publicTemplate, privateHalf(name));
}

/**
 * Puts a key pair on the token: the private half by C_CreateObject, or, where the token refuses that, by C_UnwrapKey under a
 * wrapping key that exists for this session only.
 */
export async function importKeyPair(session: Pkcs11Session, name: KeyName, key: PrivateKey): Promise<KeyPairHandles> {
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
    return { privateKey, publicKey };
  } catch (error) {
    throw await removing(session, [privateKey], error);
  }
}

/** Removes what was made before `error`, and gives the error to throw: one that says so where it cannot be removed. */
export async function removing(session: Pkcs11Session, handles: readonly Handle[], error: unknown): Promise<unknown> {
  try {
    for (const handle of handles) await session.objects.destroy(handle);
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
    return unwrapPrivateKey(session, template, key);
  }
}

async function offersUnwrapping({ cryptoki, slot }: Pkcs11Session): Promise<boolean> {
  return (await cryptoki.getMechanismFlags(slot.handle, CKM.AES_KEY_WRAP_PAD)) !== undefined;
}

async function unwrapPrivateKey(session: Pkcs11Session, template: Template, key: PrivateKey): Promise<Handle> {
  const { cryptoki, handle, objects } = session;
  const secret = randomBytes(32);
  try {
    const wrappingKey = await objects.create(wrappingTemplate(secret));
    try {
      return await cryptoki.unwrapKey(handle, CKM.AES_KEY_WRAP_PAD, wrappingKey, key.wrap(secret), template);
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
