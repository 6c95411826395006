import type { SignerErrorCode } from "../core/errors.ts";

/**
 * What makes a call that failed succeed, if anything does.
 *
 * - `retry`: time; the token throttles, or has lost an HSM of several.
 * - `new-session`: another session.
 * - `login`: a login, and looking for the key again.
 * - `reload-library`: another session, or, if the token does not answer there either, starting the library again.
 */
export type RecoveryAction = "retry" | "new-session" | "login" | "reload-library";

/** What a return value becomes. */
export interface ErrorMapping {
  readonly code: SignerErrorCode;
  readonly hint: string;
  /** What this package does before it tries the call again; undefined if it does not. */
  readonly recovery?: RecoveryAction;
}

const BUSY: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the token throttles or has lost an HSM; try again, less often",
  recovery: "retry",
};
const MEMORY: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the token or the library is out of memory, or another call wrote at the same time; try again",
  recovery: "retry",
};
const CANCELED: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the token gave the call up; try again",
  recovery: "retry",
};
const SESSION_LOST: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the session with the token was lost; the next call opens a new one",
  recovery: "new-session",
};
const LOGGED_OUT: ErrorMapping = { ...SESSION_LOST, recovery: "login" };
const TOKEN_LOST: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the token cannot be reached; check the HSM, its network and the module's own log",
  recovery: "reload-library",
};
const GENERAL: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the token or the library failed without saying why; see the module's own log",
  recovery: "reload-library",
};
// A slot is named as the library listed it just before.
const SLOT_LOST: ErrorMapping = {
  ...TOKEN_LOST,
  hint: "the slot that the token was in is gone; check the HSM, its network and the module's configuration",
};
const NOT_STARTED: ErrorMapping = { ...TOKEN_LOST, hint: "the library was finalised by another user of this process" };
const LOGIN_REFUSED: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint:
    "the token refused the PIN; it is not tried again, since tokens lock after a few wrong ones. Correct the PIN and " +
    "construct a new signer or store",
};
const USER_REFUSED: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "another user of this process is logged in to the token; log that one out first",
};
const NOT_ALLOWED: ErrorMapping = { code: "ACCESS_DENIED", hint: "the token's policy does not allow this to the user" };
const KEY_GONE: ErrorMapping = {
  code: "KEY_NOT_FOUND",
  hint: "the key is no longer there; the next call looks for it again",
  recovery: "login",
};
const KEY_REFUSED: ErrorMapping = {
  code: "KEY_UNUSABLE",
  hint: "the key may not do this: check CKA_SIGN, CKA_ALLOWED_MECHANISMS and its validity; use one created for CKM_ECDSA",
};
const CURVE_MISSING: ErrorMapping = {
  code: "KEY_UNUSABLE",
  hint: "the token does not offer the curve secp256k1; choose a token or a firmware that does",
};
const MECHANISM_MISSING: ErrorMapping = {
  code: "KEY_UNUSABLE",
  hint:
    "the token, or the key's CKA_ALLOWED_MECHANISMS, lacks the mechanism; choose ones that offer CKM_ECDSA on secp256k1, and " +
    "CKM_EC_KEY_PAIR_GEN for new keys",
};
const TEMPLATE_REFUSED: ErrorMapping = {
  code: "KEY_UNUSABLE",
  hint:
    "the token does not take a key with these attributes, which may be too long a label or CKA_ID (YubiHSM2: 2 bytes); see its " +
    "documentation, or make the key with its own tool",
};
const WRAPPING_REFUSED: ErrorMapping = {
  code: "KEY_UNUSABLE",
  hint: "the token does not take a key that is wrapped in this way; import it with the token's own tool",
};
const READ_ONLY: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "the token takes no new objects; make the key with its own tool",
};
// A module that keeps to the standard does not answer so to what this package sends.
const UNEXPECTED: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the module does not answer so to this call by the standard; see its own log, and its documentation",
};
const VENDOR: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "this is a return value of the vendor's own; see its documentation and the module's log",
};

/** The error table: every return value of PKCS#11 3.1 (header pkcs11t.h) that is a failure. */
const RETURN_VALUES = {
  CANCEL: [0x01, CANCELED],
  HOST_MEMORY: [0x02, MEMORY],
  SLOT_ID_INVALID: [0x03, SLOT_LOST],
  GENERAL_ERROR: [0x05, GENERAL],
  FUNCTION_FAILED: [0x06, BUSY],
  ARGUMENTS_BAD: [0x07, UNEXPECTED],
  NO_EVENT: [0x08, UNEXPECTED],
  NEED_TO_CREATE_THREADS: [0x09, UNEXPECTED],
  CANT_LOCK: [0x0a, UNEXPECTED],
  ATTRIBUTE_READ_ONLY: [0x10, TEMPLATE_REFUSED],
  ATTRIBUTE_SENSITIVE: [0x11, UNEXPECTED],
  ATTRIBUTE_TYPE_INVALID: [0x12, TEMPLATE_REFUSED],
  ATTRIBUTE_VALUE_INVALID: [0x13, TEMPLATE_REFUSED],
  ACTION_PROHIBITED: [0x1b, NOT_ALLOWED],
  DATA_INVALID: [0x20, MECHANISM_MISSING],
  DATA_LEN_RANGE: [0x21, MECHANISM_MISSING],
  DEVICE_ERROR: [0x30, TOKEN_LOST],
  DEVICE_MEMORY: [0x31, MEMORY],
  DEVICE_REMOVED: [0x32, TOKEN_LOST],
  ENCRYPTED_DATA_INVALID: [0x40, WRAPPING_REFUSED],
  ENCRYPTED_DATA_LEN_RANGE: [0x41, WRAPPING_REFUSED],
  AEAD_DECRYPT_FAILED: [0x42, WRAPPING_REFUSED],
  FUNCTION_CANCELED: [0x50, CANCELED],
  FUNCTION_NOT_PARALLEL: [0x51, UNEXPECTED],
  FUNCTION_NOT_SUPPORTED: [0x54, TEMPLATE_REFUSED],
  KEY_HANDLE_INVALID: [0x60, KEY_GONE],
  KEY_SIZE_RANGE: [0x62, CURVE_MISSING],
  KEY_TYPE_INCONSISTENT: [0x63, MECHANISM_MISSING],
  KEY_NOT_NEEDED: [0x64, UNEXPECTED],
  KEY_CHANGED: [0x65, UNEXPECTED],
  KEY_NEEDED: [0x66, UNEXPECTED],
  KEY_INDIGESTIBLE: [0x67, UNEXPECTED],
  KEY_FUNCTION_NOT_PERMITTED: [0x68, KEY_REFUSED],
  KEY_NOT_WRAPPABLE: [0x69, UNEXPECTED],
  KEY_UNEXTRACTABLE: [0x6a, UNEXPECTED],
  MECHANISM_INVALID: [0x70, MECHANISM_MISSING],
  MECHANISM_PARAM_INVALID: [0x71, MECHANISM_MISSING],
  OBJECT_HANDLE_INVALID: [0x82, KEY_GONE],
  OPERATION_ACTIVE: [0x90, SESSION_LOST],
  OPERATION_NOT_INITIALIZED: [0x91, SESSION_LOST],
  PIN_INCORRECT: [0xa0, LOGIN_REFUSED],
  PIN_INVALID: [0xa1, LOGIN_REFUSED],
  PIN_LEN_RANGE: [0xa2, LOGIN_REFUSED],
  PIN_EXPIRED: [0xa3, { code: "ACCESS_DENIED", hint: "the PIN has expired; set a new one with the token's own tool" }],
  PIN_LOCKED: [
    0xa4,
    { code: "ACCESS_DENIED", hint: "the PIN is locked after too many wrong ones; the security officer must unlock it" },
  ],
  SESSION_CLOSED: [0xb0, SESSION_LOST],
  SESSION_COUNT: [
    0xb1,
    {
      code: "BACKEND_UNAVAILABLE",
      hint: "the token has no session left; close signers that are not in use, or ask for fewer sessions",
      recovery: "retry",
    },
  ],
  SESSION_HANDLE_INVALID: [0xb3, SESSION_LOST],
  SESSION_PARALLEL_NOT_SUPPORTED: [0xb4, UNEXPECTED],
  SESSION_READ_ONLY: [0xb5, READ_ONLY],
  SESSION_EXISTS: [0xb6, UNEXPECTED],
  SESSION_READ_ONLY_EXISTS: [0xb7, UNEXPECTED],
  SESSION_READ_WRITE_SO_EXISTS: [0xb8, USER_REFUSED],
  SIGNATURE_INVALID: [0xc0, UNEXPECTED],
  SIGNATURE_LEN_RANGE: [0xc1, UNEXPECTED],
  TEMPLATE_INCOMPLETE: [0xd0, TEMPLATE_REFUSED],
  TEMPLATE_INCONSISTENT: [0xd1, TEMPLATE_REFUSED],
  TOKEN_NOT_PRESENT: [0xe0, TOKEN_LOST],
  TOKEN_NOT_RECOGNIZED: [0xe1, TOKEN_LOST],
  TOKEN_WRITE_PROTECTED: [0xe2, READ_ONLY],
  UNWRAPPING_KEY_HANDLE_INVALID: [0xf0, WRAPPING_REFUSED],
  UNWRAPPING_KEY_SIZE_RANGE: [0xf1, WRAPPING_REFUSED],
  UNWRAPPING_KEY_TYPE_INCONSISTENT: [0xf2, WRAPPING_REFUSED],
  USER_ALREADY_LOGGED_IN: [0x100, UNEXPECTED],
  USER_NOT_LOGGED_IN: [0x101, LOGGED_OUT],
  USER_PIN_NOT_INITIALIZED: [
    0x102,
    { code: "ACCESS_DENIED", hint: "the token has no user PIN yet; the security officer must set one" },
  ],
  USER_TYPE_INVALID: [0x103, { code: "ACCESS_DENIED", hint: "the token does not know the user type CKU_USER" }],
  USER_ANOTHER_ALREADY_LOGGED_IN: [0x104, USER_REFUSED],
  USER_TOO_MANY_TYPES: [0x105, USER_REFUSED],
  WRAPPED_KEY_INVALID: [0x110, WRAPPING_REFUSED],
  WRAPPED_KEY_LEN_RANGE: [0x112, WRAPPING_REFUSED],
  WRAPPING_KEY_HANDLE_INVALID: [0x113, WRAPPING_REFUSED],
  WRAPPING_KEY_SIZE_RANGE: [0x114, WRAPPING_REFUSED],
  WRAPPING_KEY_TYPE_INCONSISTENT: [0x115, WRAPPING_REFUSED],
  RANDOM_SEED_NOT_SUPPORTED: [0x120, UNEXPECTED],
  RANDOM_NO_RNG: [
    0x121,
    { ...GENERAL, hint: "the token has no random numbers, which signatures need; see its own log" },
  ],
  DOMAIN_PARAMS_INVALID: [0x130, CURVE_MISSING],
  CURVE_NOT_SUPPORTED: [0x140, CURVE_MISSING],
  BUFFER_TOO_SMALL: [0x150, { code: "BACKEND_RESPONSE_INVALID", hint: "the answer is longer than any of secp256k1" }],
  SAVED_STATE_INVALID: [0x160, UNEXPECTED],
  INFORMATION_SENSITIVE: [0x170, UNEXPECTED],
  STATE_UNSAVEABLE: [0x180, UNEXPECTED],
  CRYPTOKI_NOT_INITIALIZED: [0x190, NOT_STARTED],
  CRYPTOKI_ALREADY_INITIALIZED: [0x191, UNEXPECTED],
  MUTEX_BAD: [0x1a0, UNEXPECTED],
  MUTEX_NOT_LOCKED: [0x1a1, UNEXPECTED],
  NEW_PIN_MODE: [0x1b0, { code: "ACCESS_DENIED", hint: "the token wants a new PIN; set one with its own tool" }],
  NEXT_OTP: [0x1b1, { code: "ACCESS_DENIED", hint: "the token wants a one-time password, which no signer can give" }],
  EXCEEDED_MAX_ITERATIONS: [0x1b5, UNEXPECTED],
  FIPS_SELF_TEST_FAILED: [
    0x1b6,
    { code: "BACKEND_UNAVAILABLE", hint: "a self-test of the module failed; it signs nothing until it is repaired" },
  ],
  LIBRARY_LOAD_FAILED: [
    0x1b7,
    { code: "DEPENDENCY_MISSING", hint: "the module could not load a library that it needs; see its own log" },
  ],
  PIN_TOO_WEAK: [
    0x1b8,
    { code: "ACCESS_DENIED", hint: "the PIN is too weak for the token; set another with its own tool" },
  ],
  PUBLIC_KEY_INVALID: [0x1b9, TEMPLATE_REFUSED],
  FUNCTION_REJECTED: [0x200, NOT_ALLOWED],
  TOKEN_RESOURCE_EXCEEDED: [0x201, BUSY],
  OPERATION_CANCEL_FAILED: [0x202, SESSION_LOST],
  KEY_EXHAUSTED: [0x203, { code: "KEY_UNUSABLE", hint: "the key has signed as often as it may; use another" }],
} as const satisfies Readonly<Record<string, readonly [value: number, mapping: ErrorMapping]>>;

type ReturnValueName = keyof typeof RETURN_VALUES;

const NAMES = Object.keys(RETURN_VALUES) as ReturnValueName[];

/** The return values by name. */
export const CKR = Object.fromEntries(NAMES.map((name) => [name, RETURN_VALUES[name][0]])) as Readonly<
  Record<ReturnValueName, number>
>;

const BY_VALUE: ReadonlyMap<number, readonly [name: string, mapping: ErrorMapping]> = new Map(
  NAMES.map((name) => [RETURN_VALUES[name][0], [`CKR_${name}`, RETURN_VALUES[name][1]]]),
);

const COULD_NOT_STORE: ErrorMapping = {
  ...BUSY,
  hint: "the token could not make or store the key; check its free space and its policy, and see the module's own log",
};
const COULD_NOT_START: ErrorMapping = {
  ...GENERAL,
  hint:
    "the library could not start; check that its configuration can be read (SoftHSM2: SOFTHSM2_CONF and its token folder) and that " +
    "its daemon runs",
};
const MAKING: ReadonlyMap<number, ErrorMapping> = new Map([
  [CKR.FUNCTION_FAILED, COULD_NOT_STORE],
  [
    CKR.GENERAL_ERROR,
    { ...GENERAL, hint: "see the module's own log; some tokens answer so if they do not offer the curve secp256k1" },
  ],
]);

/** What a value becomes in one function, if that differs. */
const BY_FUNCTION: Readonly<Record<string, ReadonlyMap<number, ErrorMapping>>> = {
  C_Initialize: new Map([
    [CKR.GENERAL_ERROR, COULD_NOT_START],
    [CKR.FUNCTION_FAILED, { ...COULD_NOT_START, recovery: "retry" }],
    [CKR.DEVICE_ERROR, COULD_NOT_START],
    [
      CKR.ARGUMENTS_BAD,
      { ...UNEXPECTED, hint: "the library needs parameters to start, as NSS does; pass the option libraryParameters" },
    ],
  ]),
  C_GenerateKeyPair: MAKING,
  C_CreateObject: MAKING,
  C_UnwrapKey: MAKING,
};

/** The entry of the error table. Values from 0x80000000 on are the vendor's own; others are not in the standard. */
export function mappingOf(operation: string | undefined, value: number): ErrorMapping | undefined {
  const special = operation === undefined ? undefined : BY_FUNCTION[operation]?.get(value);
  return special ?? BY_VALUE.get(value)?.[1] ?? (value >= 0x8000_0000 ? VENDOR : undefined);
}

/** `CKR_…`; undefined for a value that is not in the standard. */
export function standardName(value: number): string | undefined {
  return BY_VALUE.get(value)?.[0];
}
