import { assertArgument, type BytesLike, getBytesCopy, isBytesLike } from "ethers";
import { publicKeyFromSec1 } from "../core/public-key.ts";
import type { RemoteSignerOptions } from "../signer/remote-account.ts";

/** Which PKCS#11 library, token and key. `libraryPath` and one of `keyLabel` and `keyId` are needed. */
export interface Pkcs11KeyOptions {
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
   * A refused PIN is tried once in the life of the key: tokens lock after a few wrong ones.
   */
  readonly pin?: string | (() => string | Promise<string>) | undefined;
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

/** The options, checked. It holds the PIN, so it is kept in a private field. */
export interface CheckedOptions {
  readonly libraryPath: string;
  readonly token: TokenSelector;
  readonly key: KeySelector;
  readonly pin: Pkcs11KeyOptions["pin"];
  readonly publicKey: Uint8Array | undefined;
}

/** @throws ethers' INVALID_ARGUMENT, which never shows the PIN. */
export function checkOptions(options: Pkcs11KeyOptions): CheckedOptions {
  const { libraryPath, tokenLabel, slot, slotIndex, pin, keyLabel, keyId, publicKey } = options;
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
  assertArgument(
    keyLabel !== undefined || keyId !== undefined,
    "name the key by keyLabel or keyId",
    "keyLabel",
    keyLabel,
  );
  assertArgument(keyLabel === undefined || isText(keyLabel), "keyLabel must be text", "keyLabel", keyLabel);
  assertArgument(
    keyId === undefined || (isBytesLike(keyId) && getBytesCopy(keyId).length > 0),
    "keyId must be the bytes of CKA_ID, or their hex string with 0x",
    "keyId",
    keyId,
  );
  assertArgument(
    publicKey === undefined || isBytesLike(publicKey),
    "publicKey must be the bytes of a SEC1 point, or their hex string with 0x",
    "publicKey",
    publicKey,
  );
  return {
    libraryPath,
    token: { tokenLabel, slot: slot === undefined ? undefined : BigInt(slot), slotIndex },
    key: { label: keyLabel, id: keyId === undefined ? undefined : getBytesCopy(keyId) },
    pin,
    publicKey: publicKey === undefined ? undefined : publicKeyFromSec1(getBytesCopy(publicKey)),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}
