import { assertArgument, type BytesLike, dataLength, getBytesCopy, isBytesLike } from "ethers";
import { publicKeyFromSec1 } from "../core/public-key.ts";
import type { FailoverOptions } from "../signer/failover-key.ts";
import { checkTimeout, type RemoteSignerOptions } from "../signer/verified-key.ts";

/**
 * What the library, the slot and the token must say of themselves: each text that is given must be equal, blanks at the end
 * apart. The members are those of CK_TOKEN_INFO, CK_SLOT_INFO and CK_INFO (PKCS#11 v2.40, section 3).
 */
export interface Pkcs11TokenMatch {
  /** The token's label, if the token is named by `slot` or `slotIndex` too. */
  readonly label?: string | undefined;
  /** The token's manufacturer (CK_TOKEN_INFO manufacturerID). */
  readonly manufacturer?: string | undefined;
  /** The token's model. */
  readonly model?: string | undefined;
  /** The token's serial number. */
  readonly serialNumber?: string | undefined;
  /** The description of its slot. */
  readonly slotDescription?: string | undefined;
  /** The manufacturer of its slot. */
  readonly slotManufacturer?: string | undefined;
  /** The library's description of itself. */
  readonly libraryDescription?: string | undefined;
  /** The library's manufacturer. */
  readonly libraryManufacturer?: string | undefined;
  /** `major.minor`. */
  readonly libraryVersion?: string | undefined;
}

/** Which PKCS#11 library and token, and the PIN to it. `libraryPath` is needed. */
export interface Pkcs11TokenOptions {
  /** The module's shared library, for example `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly libraryPath: string;
  /** What the library needs to start, for example NSS: `configDir='sql:/etc/nss'`. Default: nothing. Most libraries take none. */
  readonly libraryParameters?: string | undefined;
  /** The token's label, exactly; labels are padded with blanks in PKCS#11, which do not count. */
  readonly tokenLabel?: string | undefined;
  /** The CK_SLOT_ID of the token's slot. Some have 64 bits: pass those as bigint. */
  readonly slot?: number | bigint | undefined;
  /** The position of the token's slot among those with a token, from 0. */
  readonly slotIndex?: number | undefined;
  /** What else must hold of the token: instead of its label, slot or slotIndex, or as well. */
  readonly match?: Pkcs11TokenMatch | undefined;
  /**
   * The user PIN (CKU_USER), or a function that returns it when the token asks. Without one there is no login: right for tokens
   * that need no login only.
   *
   * A refused PIN is tried once in the life of the key or the store: tokens lock after a few wrong ones.
   */
  readonly pin?: string | (() => string | Promise<string>) | undefined;
  /**
   * Whose PIN it is, for tokens with several users. A process is logged in to a token as one of them: another one is refused
   * with ACCESS_DENIED then, or gets a process of its own with `isolation`. It is not sent anywhere.
   */
  readonly user?: string | undefined;
  /**
   * How many sessions with the token may work at once, of all signers and stores of this process together: as many as the
   * most demanding of them asks for. 1 to 1,024. Default: one less than libuv has threads (UV_THREADPOOL_SIZE, 4 unless set),
   * so that one is left for files and name resolution; 8 with `isolation`.
   */
  readonly sessions?: number | undefined;
  /** How many calls may wait for a session; one more is refused with THROTTLED. Default: 10,000. */
  readonly maxQueue?: number | undefined;
  /**
   * `"process"` runs the library in a child process, which opens no port and gets the PIN by a pipe: a crash or a hang of the
   * library ends the child, which is started again, and the calls in flight are tried again. Signers and stores with equal
   * `libraryPath`, `libraryParameters`, `user` and `hangTimeout` share it; it ends with the last of them, or with this process. It
   * is not a sandbox.
   */
  readonly isolation?: "process" | undefined;
  /**
   * With `isolation`: how many milliseconds after it began a function of the library counts as hung. Waiting for a session or a
   * thread does not count. Default: 10,000.
   */
  readonly hangTimeout?: number | undefined;
  /**
   * Refuses, before it signs, a private key that is extractable or not sensitive, or of which the token does not show that it
   * is neither: KEY_UNUSABLE. Default: false, which warns once (`process.emitWarning`, code ETHERS_HSM_EXTRACTABLE_KEY).
   */
  readonly requireNonExtractable?: boolean | undefined;
}

/** Which PKCS#11 library, token and key. `libraryPath` and one of `keyLabel` and `keyId` are needed. */
export interface Pkcs11KeyOptions extends Pkcs11TokenOptions {
  /** The private key's CKA_LABEL, exactly: a string, or bytes if it is not UTF-8. */
  readonly keyLabel?: string | Uint8Array | undefined;
  /** The private key's CKA_ID: bytes, or a hex string with 0x. With `keyLabel` both must match. */
  readonly keyId?: BytesLike | undefined;
  /**
   * The public key, SEC1, for a token that has no public object and shows no CKA_EC_POINT on the private one: 65 bytes
   * uncompressed or 33 compressed. Where the token shows one, the token's counts and this must equal it.
   */
  readonly publicKey?: BytesLike | undefined;
}

export interface Pkcs11SignerOptions extends Pkcs11KeyOptions, RemoteSignerOptions {
  /**
   * Other tokens that hold the same key, in order of preference, for when the first is out of reach: each by what differs from the
   * options beside it. A selector of the token, or of the key, replaces all selectors of its kind. They need `expectedAddress`, which
   * decides which tokens hold the account's key.
   */
  readonly fallbacks?: readonly Partial<Pkcs11KeyOptions>[] | undefined;
  /**
   * How `fallbacks` are used. Default of `attemptTimeout`: the signer's `timeout`, divided by the number of tokens, at most 10,000.
   */
  readonly failover?: Pick<FailoverOptions, "attemptTimeout" | "resetTimeout" | "onStateChange"> | undefined;
}

/** Which token: what of it was given, or nothing for the only one. */
export interface TokenSelector {
  readonly tokenLabel: string | undefined;
  readonly slot: bigint | undefined;
  readonly slotIndex: number | undefined;
  readonly match: Pkcs11TokenMatch | undefined;
}

/** Which key on the token: at least one of the two. */
export interface KeySelector {
  readonly label: string | Uint8Array | undefined;
  readonly id: Uint8Array | undefined;
}

/** Which library, and where it runs, checked. */
export interface CheckedLibrary {
  readonly libraryPath: string;
  readonly libraryParameters?: string | undefined;
  /** In a child process; else in this one. */
  readonly isIsolated: boolean;
  readonly hangTimeout: number;
  /** Whose PIN it is, if that is known. One process has one login with a token. */
  readonly user: string | undefined;
}

/** The options of a token, checked. It holds the PIN, so it is kept in a private field. */
export interface CheckedToken extends CheckedLibrary {
  readonly token: TokenSelector;
  readonly pin: Pkcs11TokenOptions["pin"];
  readonly sessions: number;
  readonly maxQueue: number;
  readonly requireNonExtractable: boolean;
}

const MAX_SESSIONS = 1_024;
const ISOLATED_SESSIONS = 8;
const DEFAULT_QUEUE = 10_000;
const DEFAULT_HANG_TIMEOUT = 10_000;
const LIBUV_THREADS = 4;

const MATCHED: ReadonlySet<string> = new Set<keyof Pkcs11TokenMatch>([
  "label",
  "manufacturer",
  "model",
  "serialNumber",
  "slotDescription",
  "slotManufacturer",
  "libraryDescription",
  "libraryManufacturer",
  "libraryVersion",
]);

/** The options of a key, checked. */
export interface CheckedOptions extends CheckedToken {
  readonly key: KeySelector;
  readonly publicKey: Uint8Array | undefined;
}

/** @throws ethers' INVALID_ARGUMENT, which never shows the PIN. */
export function checkToken(options: Pkcs11TokenOptions): CheckedToken {
  const { libraryPath, libraryParameters, tokenLabel, slot, slotIndex, pin, user, isolation } = options;
  const { requireNonExtractable = false } = options;
  assertArgument(isText(libraryPath), "libraryPath must be the path of a PKCS#11 library", "libraryPath", libraryPath);
  assertArgument(
    libraryParameters === undefined || isText(libraryParameters),
    "libraryParameters must be a string",
    "libraryParameters",
    libraryParameters,
  );
  assertArgument(
    [tokenLabel, slot, slotIndex].filter((selector) => selector !== undefined).length <= 1,
    "name the token by one of tokenLabel, slot and slotIndex",
    "tokenLabel",
    tokenLabel,
  );
  assertArgument(
    tokenLabel === undefined || isText(tokenLabel),
    "tokenLabel must be a string",
    "tokenLabel",
    tokenLabel,
  );
  assertArgument(
    slot === undefined || (typeof slot === "bigint" ? slot >= 0n : Number.isSafeInteger(slot) && slot >= 0),
    "slot must be an integer, as a bigint if it is above 2^53 - 1",
    "slot",
    slot,
  );
  assertArgument(
    slotIndex === undefined || (Number.isSafeInteger(slotIndex) && slotIndex >= 0),
    "slotIndex must be an integer from 0",
    "slotIndex",
    slotIndex,
  );
  assertArgument(
    pin === undefined || isText(pin) || typeof pin === "function",
    "pin must be a string, or a function that returns it",
    "pin",
    "[REDACTED]",
  );
  assertArgument(user === undefined || isText(user), "user must be a string", "user", user);
  assertArgument(
    isolation === undefined || isolation === "process",
    'isolation must be "process" or left out',
    "isolation",
    isolation,
  );
  assertArgument(
    typeof requireNonExtractable === "boolean",
    "requireNonExtractable must be true or false",
    "requireNonExtractable",
    requireNonExtractable,
  );
  const isIsolated = isolation === "process";
  return {
    libraryPath,
    libraryParameters,
    token: { tokenLabel, slot: slot === undefined ? undefined : BigInt(slot), slotIndex, match: checkMatch(options) },
    pin,
    user,
    isIsolated,
    requireNonExtractable,
    sessions: checkCount(
      "sessions",
      options.sessions ?? (isIsolated ? ISOLATED_SESSIONS : freeThreads()),
      MAX_SESSIONS,
    ),
    maxQueue: checkCount("maxQueue", options.maxQueue ?? DEFAULT_QUEUE, Number.MAX_SAFE_INTEGER),
    hangTimeout: checkTimeout(options.hangTimeout ?? DEFAULT_HANG_TIMEOUT),
  };
}

function checkMatch({ match, tokenLabel }: Pkcs11TokenOptions): Pkcs11TokenMatch | undefined {
  if (match === undefined) return undefined;
  const given = Object.entries(match).filter(([, value]) => value !== undefined);
  assertArgument(
    given.every(([name, value]) => MATCHED.has(name) && typeof value === "string"),
    `match must hold text by the names ${[...MATCHED].join(", ")}`,
    "match",
    match,
  );
  const twice = tokenLabel !== undefined && match.label !== undefined;
  assertArgument(!twice, "name the token's label by tokenLabel or match.label", "match", match);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

export function checkCount(name: string, count: number, largest: number): number {
  const message = `${name} must be an integer from 1 to ${largest}`;
  assertArgument(Number.isSafeInteger(count) && count >= 1 && count <= largest, message, name, count);
  return count;
}

function freeThreads(): number {
  const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? LIBUV_THREADS);
  return Math.min(Math.max(Number.isSafeInteger(threads) ? threads - 1 : LIBUV_THREADS - 1, 1), MAX_SESSIONS);
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
  const named = keyLabel === undefined || isText(keyLabel) || (keyLabel instanceof Uint8Array && keyLabel.length > 0);
  assertArgument(named, "keyLabel must be a string, or bytes if it is not UTF-8", "keyLabel", keyLabel);
  const id = keyId === undefined ? undefined : checkKeyId("keyId", keyId);
  assertArgument(
    publicKey === undefined || isBytesLike(publicKey),
    "publicKey must be the bytes of a SEC1 point, or their hex string with 0x",
    "publicKey",
    publicKey,
  );
  return {
    ...token,
    key: { label: typeof keyLabel === "string" ? keyLabel : keyLabel?.slice(), id },
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
