import { randomBytes } from "node:crypto";
import { assertArgument, type BytesLike } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import type { Verifier } from "../core/verify.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { checkTimeout } from "../signer/verified-key.ts";
import type { CallObserver } from "../telemetry/call-event.ts";
import { checkObserver } from "../telemetry/observe-call.ts";
import type { KeyName } from "./key-name.ts";
import { type CheckedToken, checkCount, checkKeyId, checkToken, isText, type Pkcs11TokenOptions } from "./options.ts";

/** Which PKCS#11 library and token, and which of its keys. */
export interface Pkcs11StoreOptions extends Pkcs11TokenOptions {
  /** Only keys whose CKA_LABEL begins with this. Default: all. */
  readonly namePrefix?: string | undefined;
  /** Only the keys with this CKA_ID: bytes, or a hex string with 0x. Default: all. */
  readonly keyId?: BytesLike | undefined;
  /**
   * How many keys a listing reads at once, each in a session: 1 to 50. Default: 4 with `isolation`, else 1, since reading blocks
   * the event loop then.
   */
  readonly concurrency?: number | undefined;
  /**
   * How many milliseconds the token may be silent in one call, the wait for a session included; a listing begins again with
   * each object that it reads. BACKEND_TIMEOUT then. Default: 30,000.
   */
  readonly timeout?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
  /** Watches the store's calls; those of its keys' signers have their own: see `RemoteSignerOptions.observer`. Default: none. */
  readonly observer?: CallObserver | undefined;
}

/** How a new key is called. */
export interface Pkcs11CreateKeyOptions extends CallOptions {
  /** The CKA_LABEL of both halves of the new key; no other key of the token may have it, and the store's `namePrefix` must begin it. */
  readonly name: string;
  /** The CKA_ID of both halves; no other key of the token may have it. Default: 16 random bytes. */
  readonly id?: BytesLike | undefined;
}

export interface Pkcs11ImportKeyOptions extends Pkcs11CreateKeyOptions {
  /** The address that the private key must have, checked before anything reaches the token: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
}

/** The name of a key that is being made. */
export interface NewKeyName extends KeyName {
  /** Whether the CKA_ID was drawn here: no other object has it then. */
  readonly hasRandomId: boolean;
}

/** Which keys a listing shows. */
export interface KeyFilter {
  readonly namePrefix: Uint8Array;
  readonly id: Uint8Array | undefined;
}

export interface CheckedStore extends CheckedToken {
  readonly filter: KeyFilter;
  readonly concurrency: number;
  readonly timeout: number;
  readonly verifier: Verifier | undefined;
  readonly observer: CallObserver | undefined;
}

const RANDOM_ID_LENGTH = 16;
const ISOLATED_CONCURRENCY = 4;
const MAX_CONCURRENCY = 50;

/** @throws ethers' INVALID_ARGUMENT, which never shows the PIN. */
export function checkStoreOptions(options: Pkcs11StoreOptions): CheckedStore {
  const token = checkToken(options);
  const { namePrefix, keyId, timeout, verifier, observer } = options;
  const { concurrency = token.isIsolated ? ISOLATED_CONCURRENCY : 1 } = options;
  assertArgument(
    namePrefix === undefined || isText(namePrefix),
    "namePrefix must be a string",
    "namePrefix",
    namePrefix,
  );
  return {
    ...token,
    concurrency: checkCount("concurrency", concurrency, MAX_CONCURRENCY),
    timeout: checkTimeout(timeout),
    verifier,
    observer: checkObserver(observer),
    filter: {
      namePrefix: Buffer.from(namePrefix ?? ""),
      id: keyId === undefined ? undefined : checkKeyId("keyId", keyId),
    },
  };
}

/** @throws ethers' INVALID_ARGUMENT, also for a name that the filter would hide from the store's own listing. */
export function newKeyName(
  { name: label, id }: Pkcs11CreateKeyOptions,
  { namePrefix, id: onlyId }: KeyFilter,
): NewKeyName {
  assertArgument(isText(label), "name must be a string", "name", label);
  const name = {
    label: Buffer.from(label),
    id: id === undefined ? Uint8Array.from(randomBytes(RANDOM_ID_LENGTH)) : checkKeyId("id", id),
    hasRandomId: id === undefined,
  };
  const prefixed = startsWith(name.label, namePrefix);
  assertArgument(prefixed, "name must begin with the store's namePrefix", "name", label);
  assertArgument(!onlyId || equalBytes(name.id, onlyId), "id must be the store's keyId", "id", id);
  return name;
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix);
}
