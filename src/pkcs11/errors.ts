import { isSignerError, SignerError, type SignerErrorCode, type SignerErrorContext } from "../core/errors.ts";

/** The return values that this package tells apart (PKCS#11 v2.40, header pkcs11t.h). */
export const CKR = {
  HOST_MEMORY: 0x02,
  SLOT_ID_INVALID: 0x03,
  GENERAL_ERROR: 0x05,
  FUNCTION_FAILED: 0x06,
  ATTRIBUTE_READ_ONLY: 0x10,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  ACTION_PROHIBITED: 0x1b,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  FUNCTION_CANCELED: 0x50,
  FUNCTION_NOT_SUPPORTED: 0x54,
  KEY_HANDLE_INVALID: 0x60,
  KEY_TYPE_INCONSISTENT: 0x63,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_COUNT: 0xb1,
  SESSION_HANDLE_INVALID: 0xb3,
  TEMPLATE_INCOMPLETE: 0xd0,
  TEMPLATE_INCONSISTENT: 0xd1,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_NOT_RECOGNIZED: 0xe1,
  TOKEN_WRITE_PROTECTED: 0xe2,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_TYPE_INVALID: 0x103,
  USER_ANOTHER_ALREADY_LOGGED_IN: 0x104,
  USER_TOO_MANY_TYPES: 0x105,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const;

interface Meaning {
  readonly code: SignerErrorCode;
  readonly advice: string;
}

const SESSION_LOST: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "the session with the token was lost; the next call opens a new one",
};
const TOKEN_LOST: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "the token cannot be reached; check the HSM, its network and the module's own log",
};
// A slot is named as the library listed it just before.
const SLOT_LOST: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "the slot that the token was in is gone; check the HSM, its network and the module's configuration",
};
const LOGIN_REFUSED: Meaning = {
  code: "ACCESS_DENIED",
  advice:
    "the token refused the PIN; it is not tried again, since tokens lock after a few wrong ones. Correct the PIN and " +
    "construct a new signer or store",
};
const KEY_GONE: Meaning = {
  code: "KEY_NOT_FOUND",
  advice: "the key is no longer there; the next call looks for it again",
};
const MECHANISM_MISSING: Meaning = {
  code: "KEY_UNUSABLE",
  advice:
    "the token does not do this with a secp256k1 key; choose one that offers CKM_ECDSA, and CKM_EC_KEY_PAIR_GEN for new " +
    "keys",
};
const TEMPLATE_REFUSED: Meaning = {
  code: "KEY_UNUSABLE",
  advice:
    "the token does not take a key with these attributes; see its documentation, or make the key with its own tool",
};

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [CKR.HOST_MEMORY, TOKEN_LOST],
  [CKR.SLOT_ID_INVALID, SLOT_LOST],
  [CKR.GENERAL_ERROR, TOKEN_LOST],
  [
    CKR.FUNCTION_FAILED,
    { code: "BACKEND_UNAVAILABLE", advice: "the token throttles or has lost an HSM; try again, less often" },
  ],
  [CKR.ATTRIBUTE_READ_ONLY, TEMPLATE_REFUSED],
  [CKR.ATTRIBUTE_TYPE_INVALID, TEMPLATE_REFUSED],
  [CKR.ATTRIBUTE_VALUE_INVALID, TEMPLATE_REFUSED],
  [CKR.ACTION_PROHIBITED, { code: "ACCESS_DENIED", advice: "the token's policy does not allow this to the user" }],
  [CKR.FUNCTION_CANCELED, { code: "BACKEND_UNAVAILABLE", advice: "the token gave the call up; try again" }],
  [CKR.FUNCTION_NOT_SUPPORTED, TEMPLATE_REFUSED],
  [CKR.TEMPLATE_INCOMPLETE, TEMPLATE_REFUSED],
  [CKR.TEMPLATE_INCONSISTENT, TEMPLATE_REFUSED],
  [
    CKR.TOKEN_WRITE_PROTECTED,
    { code: "ACCESS_DENIED", advice: "the token takes no new objects; make the key with its own tool" },
  ],
  [CKR.DEVICE_ERROR, TOKEN_LOST],
  [CKR.DEVICE_MEMORY, TOKEN_LOST],
  [CKR.DEVICE_REMOVED, TOKEN_LOST],
  [CKR.KEY_HANDLE_INVALID, KEY_GONE],
  [CKR.KEY_TYPE_INCONSISTENT, MECHANISM_MISSING],
  [
    CKR.KEY_FUNCTION_NOT_PERMITTED,
    { code: "KEY_UNUSABLE", advice: "the key may not sign (CKA_SIGN is false); use a key created for signing" },
  ],
  [CKR.MECHANISM_INVALID, MECHANISM_MISSING],
  [CKR.MECHANISM_PARAM_INVALID, MECHANISM_MISSING],
  [CKR.OBJECT_HANDLE_INVALID, KEY_GONE],
  [CKR.OPERATION_ACTIVE, SESSION_LOST],
  [CKR.OPERATION_NOT_INITIALIZED, SESSION_LOST],
  [CKR.PIN_INCORRECT, LOGIN_REFUSED],
  [CKR.PIN_INVALID, LOGIN_REFUSED],
  [CKR.PIN_LEN_RANGE, LOGIN_REFUSED],
  [CKR.PIN_EXPIRED, { code: "ACCESS_DENIED", advice: "the PIN has expired; set a new one with the token's own tool" }],
  [
    CKR.PIN_LOCKED,
    {
      code: "ACCESS_DENIED",
      advice: "the PIN is locked after too many wrong ones; the security officer must unlock it",
    },
  ],
  [CKR.SESSION_CLOSED, SESSION_LOST],
  [
    CKR.SESSION_COUNT,
    { code: "BACKEND_UNAVAILABLE", advice: "the token has no session left; close signers that are not in use" },
  ],
  [CKR.SESSION_HANDLE_INVALID, SESSION_LOST],
  [CKR.TOKEN_NOT_PRESENT, TOKEN_LOST],
  [CKR.TOKEN_NOT_RECOGNIZED, TOKEN_LOST],
  [CKR.USER_NOT_LOGGED_IN, SESSION_LOST],
  [
    CKR.USER_PIN_NOT_INITIALIZED,
    { code: "ACCESS_DENIED", advice: "the token has no user PIN yet; the security officer must set one" },
  ],
  [CKR.USER_TYPE_INVALID, LOGIN_REFUSED],
  [
    CKR.USER_ANOTHER_ALREADY_LOGGED_IN,
    { code: "ACCESS_DENIED", advice: "another user of this process is logged in to the token; log that one out first" },
  ],
  [CKR.USER_TOO_MANY_TYPES, LOGIN_REFUSED],
  [
    CKR.CRYPTOKI_NOT_INITIALIZED,
    { ...TOKEN_LOST, advice: "the library was finalised by another user of this process" },
  ],
]);

/**
 * The return value behind a SignerError, or behind an error of pkcs11js, whose C_FindObjects throws a plain Error; undefined
 * for other errors.
 */
export function returnValueOf(error: unknown): number | undefined {
  if (isSignerError(error)) return error.info?.["returnValue"] as number | undefined;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "number" && code !== 0) return code;
  const named = typeof message === "string" ? /^CKR_\w+:(\d+)/.exec(message) : null;
  return named ? Number(named[1]) : undefined;
}

/** The SignerError for what a call of the module threw. pkcs11js' errors hold a name, a number and a stack, never a PIN. */
export function pkcs11Error(error: unknown, context: SignerErrorContext & { readonly operation: string }): SignerError {
  const value = returnValueOf(error);
  const name = value === undefined ? "no CKR code" : nameOf(value, error);
  const meaning = value === undefined ? undefined : MEANINGS.get(value);
  const advice = meaning?.advice ?? "see the module's own log";
  return new SignerError(
    meaning?.code ?? "BACKEND_UNAVAILABLE",
    `${context.operation} failed with ${name}: ${advice}`,
    {
      ...context,
      retryable: meaning === undefined ? false : undefined,
      info: value === undefined ? undefined : { returnValue: value },
      cause: error,
    },
  );
}

function nameOf(value: number, error: unknown): string {
  const hex = `0x${value.toString(16)}`;
  const named = /CKR_\w+/.exec(String((error as { message?: unknown }).message));
  return named ? `${named[0]} (${hex})` : hex;
}
