import { createPublicKey, type KeyObject } from "node:crypto";
import { SignerError } from "../core/errors.ts";
import { CKA, CKO } from "./attributes.ts";
import type { Handle } from "./cryptoki.ts";
import { describe } from "./key-name.ts";
import { checkOptions, type KeySelector, type Pkcs11KeyOptions } from "./options.ts";
import type { Pkcs11Session } from "./session.ts";
import { Pkcs11Token } from "./token.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKK_RSA = 0x00;
const CKA_MODULUS = 0x120;
const CKA_PUBLIC_EXPONENT = 0x122;
const CKM_SHA256_RSA_PKCS = 0x40;

/** An RSA key of a token, with which a person approves: it is not an account's. */
export class RsaTokenKey {
  /** What the token shows of the private key: it is not verified here. */
  readonly publicKey: KeyObject;
  readonly #token: Pkcs11Token;
  readonly #key: KeySelector;

  private constructor(token: Pkcs11Token, key: KeySelector, publicKey: KeyObject) {
    this.#token = token;
    this.#key = key;
    this.publicKey = publicKey;
  }

  /**
   * Logs in and finds the key, by `keyLabel` or `keyId`.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right; SignerError as Pkcs11Key's calls do, KEY_NOT_FOUND and KEY_UNUSABLE
   *   among them.
   */
  static async open(options: Pkcs11KeyOptions): Promise<RsaTokenKey> {
    const checked = checkOptions(options);
    const token = new Pkcs11Token(checked);
    try {
      const read = async (session: Pkcs11Session) => readPublicKey(session, await find(session, checked.key));
      const publicKey = await token.run(read, {});
      return new RsaTokenKey(token, checked.key, publicKey);
    } catch (error) {
      await token.close();
      throw error;
    }
  }

  /** RSASSA-PKCS1-v1_5 with SHA-256 over `data`, which the token hashes (CKM_SHA256_RSA_PKCS). */
  sign(data: Uint8Array): Promise<Uint8Array> {
    return this.#token.run(
      async (session) => {
        const key = await find(session, this.#key);
        const sign = (pin?: string) => session.cryptoki.sign(session.handle, CKM_SHA256_RSA_PKCS, key, data, pin);
        const asksAgain = (await session.objects.read(key, CKA.ALWAYS_AUTHENTICATE))?.[0] === 1;
        return asksAgain ? this.#token.withPin(session, sign) : sign();
      },
      { retryable: false },
    );
  }

  close(): Promise<void> {
    return this.#token.close();
  }
}

async function find(session: Pkcs11Session, { label, id }: KeySelector): Promise<Handle> {
  const handles = await session.objects.find([
    { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
    { type: CKA.KEY_TYPE, value: CKK_RSA },
    ...(label === undefined ? [] : [{ type: CKA.LABEL, value: Buffer.from(label) }]),
    ...(id === undefined ? [] : [{ type: CKA.ID, value: Buffer.from(id) }]),
  ]);
  const [only, another] = handles;
  const name = describe({ label, id });
  if (only === undefined) {
    throw new SignerError("KEY_NOT_FOUND", `the token has no private RSA key ${name}`, { operation: "C_FindObjects" });
  }
  if (another !== undefined) {
    const message = `the token has several private RSA keys ${name}: name one by its CKA_ID`;
    throw new SignerError("KEY_UNUSABLE", message, { operation: "C_FindObjects" });
  }
  return only;
}

async function readPublicKey(session: Pkcs11Session, key: Handle): Promise<KeyObject> {
  const [n, e] = await session.objects.readAll(key, [CKA_MODULUS, CKA_PUBLIC_EXPONENT]);
  if (n === undefined || e === undefined) {
    const message =
      "the token does not show the modulus and the exponent of the RSA key, so that no signature could be checked";
    throw new SignerError("KEY_UNUSABLE", message, { operation: "C_GetAttributeValue" });
  }
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "RSA", n: text(n), e: text(e) } });
}
