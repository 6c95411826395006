import { assertArgument, type BytesLike, dataLength, getBytesCopy, isBytesLike } from "ethers";
import { publicKeyFromSec1 } from "../core/public-key.ts";
import type { RemoteSignerOptions } from "../signer/remote-account.ts";

/** Which PKCS#11 library and token, and the PIN to it. `libraryPath` is needed. */
export interface Pkcs11TokenOptions {
  /** The module's shared library, for example `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly libraryPath: string;
  /** The token's label, exactly; labels are padded with blanks in PKCS#11, which do not count. */
  readonly tokenLabel?: string | undefined;
  /** The CK_SLOT_ID of the token's slot. Some have 64 bits: pass those as bigint. */
  readonly slot?: number | bigint | undefined;
  /** The position of the token's slot among those with a token, from 0. */
  readonly slotIndex?: number | undefined;
  /**
   * The user PIN (CKU_USER), or a function that gives it when the token asks. Without one nobody logs in: right for tokens
   * that need no login only.
   *
   * A refused PIN is tried once in the life of the key or the store: tokens lock after a few wrong ones.
   */
  readonly pin?: string | (() => string | Promise<string>) | undefined;
}

/** Which PKCS#11 library, token and key. `libraryPath` and one of `keyLabel` and `keyId` are needed. */
export interface Pkcs11KeyOptions extends Pkcs11TokenOptions {
  /** The private key's CKA_LABEL, exactly. */
  readonly keyLabel?: string | undefined;
  /** The private key's CKA_ID: bytes, or a hex string with 0x. With `keyLabel` both must match. */
  readonly keyId?: BytesLike | undefined;
  /**
   * The public key, SEC1, for a token that has no public object and shows no CKA_EC_POINT on the private one: 65 bytes
   * uncompressed or 33 compressed. Where the token shows one, the token's counts and this must equal it.
   */
  readonly publicKey?: BytesLike | undefined;
}

export type Pkcs11SignerOptions = Pkcs11KeyOptions & RemoteSignerOptions;

/** Which token: what of it was given, or nothing for the only one. */
export interface TokenSelector {
  readonly tokenLabel: string | undefined;
  readonly slot: bigint | undefined;
  readonly slotIndex: number | undefined;
}

/** Which key on the token: at least one of the two. */
export interface KeySelector {
  readonly label: string | undefined;
  readonly id: Uint8Array | undefined;
}

/** The options of a token, checked. It holds the PIN, so it is kept in a private field. */
export interface CheckedToken {
  readonly libraryPath: string;
  readonly token: TokenSelector;
  readonly pin: Pkcs11TokenOptions["pin"];
}

/** The options of a key, checked. */
export interface CheckedOptions extends CheckedToken {
  readonly key: KeySelector;
  readonly publicKey: Uint8Array | undefined;
}

/** @throws ethers' INVALID_ARGUMENT, which never shows the PIN. */
export function checkToken({ libraryPath, tokenLabel, slot, slotIndex, pin }: Pkcs11TokenOptions): CheckedToken {
  assertArgument(isText(libraryPath), "libraryPath must be the path of a PKCS#11 library", "libraryPath", libraryPath);
  assertArgument(
    [tokenLabel, slot, slotIndex].filter((selector) => selector !== undefined).length <= 1,
    "name the token by one of tokenLabel, slot and slotIndex",
    "tokenLabel",
    tokenLabel,
  );
  assertArgument(tokenLabel === undefined || isText(tokenLabel), "tokenLabel must be text", "tokenLabel", tokenLabel);
  assertArgument(
    slot === undefined || (typeof slot === "bigint" ? slot >= 0n : Number.isSafeInteger(slot) && slot >= 0),
    "slot must be a whole number, as a bigint where it is above 2^53 - 1",
    "slot",
    slot,
  );
  assertArgument(
    slotIndex === undefined || (Number.isSafeInteger(slotIndex) && slotIndex >= 0),
    "slotIndex must be a whole number from 0",
    "slotIndex",
    slotIndex,
  );
  assertArgument(
    pin === undefined || isText(pin) || typeof pin === "function",
    "pin must be text, or a function that gives it",
    "pin",
    "[REDACTED]",
  );
  return { libraryPath, token: { tokenLabel, slot: slot === undefined ? undefined : BigInt(slot), slotIndex }, pin };
}

/** @throws ethers' INVALID_ARGUMENT, which never shows the PIN. */
export function checkOptions(options: Pkcs11KeyOptions): CheckedOptions {
  const token = checkToken(options);
  const { keyLabel, keyId, publicKey } = options;
  assertArgument(
    keyLabel !== undefined || keyId !== undefined,
    "name the key by keyLabel or keyId",
    "keyLabel",
    keyLabel,
  );
  assertArgument(keyLabel === undefined || isText(keyLabel), "keyLabel must be text", "keyLabel", keyLabel);
  const id = keyId === undefined ? undefined : checkKeyId("keyId", keyId);
  assertArgument(
    publicKey === undefined || isBytesLike(publicKey),
    "publicKey must be the bytes of a SEC1 point, or their hex string with 0x",
    "publicKey",
    publicKey,
  );
  return {
    ...token,
    key: { label: keyLabel, id },
    publicKey: publicKey === undefined ? undefined : publicKeyFromSec1(getBytesCopy(publicKey)),
  };
}

/** The bytes of a CKA_ID. @throws ethers' INVALID_ARGUMENT for anything else. */
export function checkKeyId(name: string, id: BytesLike): Uint8Array {
  assertArgument(
    isBytesLike(id) && dataLength(id) > 0,
    `${name} must be the bytes of CKA_ID, or their hex string with 0x`,
    name,
    id,
  );
  return getBytesCopy(id);
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}
