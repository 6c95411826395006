// The file that a test shares with the shim: a path, then 64-bit words. This is the one description of it; the C header is
// made from it.

/** The functions of the module that can be steered and are counted. */
export const FUNCTIONS = [
  "C_Initialize",
  "C_Finalize",
  "C_GetSlotList",
  "C_GetTokenInfo",
  "C_GetMechanismList",
  "C_GetMechanismInfo",
  "C_OpenSession",
  "C_CloseSession",
  "C_CloseAllSessions",
  "C_GetSessionInfo",
  "C_Login",
  "C_Logout",
  "C_CreateObject",
  "C_DestroyObject",
  "C_GetAttributeValue",
  "C_FindObjectsInit",
  "C_FindObjects",
  "C_FindObjectsFinal",
  "C_SignInit",
  "C_Sign",
  "C_GenerateKeyPair",
  "C_UnwrapKey",
  "C_InitPIN",
  "C_GenerateKey",
  "C_SetAttributeValue",
] as const;

export type ShimFunction = (typeof FUNCTIONS)[number];

/** What stands in one function's record about its fault. `armed` is written last, so that no half-written fault works. */
export const FAULT = [
  "armed",
  "returnValue",
  "crash",
  "delayMs",
  "hangMs",
  "answer",
  "skip",
  "remaining",
  "permille",
] as const;

/** What stands in one function's record after its fault. */
export const STATS = ["calls", "hits", "mostInside"] as const;

/** What is counted of the module as a whole. */
export const MODULE_STATS = [
  "overlaps",
  "interleavings",
  "closedInUse",
  "mostSessions",
  "otherUserActions",
  "swaps",
] as const;

/** What becomes of a signature; 0 is nothing. */
export const ANSWERS = [
  "true",
  "garbage",
  "zero",
  "short",
  "long",
  "empty",
  "swapped",
  "foreignKey",
  "foreignDigest",
] as const;

/** What another user of the module does; 0 is nothing. */
export const OTHER_USER_ACTIONS = ["nothing", "closeAllSessions", "logout", "finalize"] as const;

/**
 * What other modules do, and SoftHSM2 does not, or only by chance; each is on or off.
 *
 * - `searchesSpoil`: a key pair that is made while a search is open, and that search, fail (SoftHSM2, by chance).
 * - `slowerWriterFails`: of two calls that make objects at once the second answers CKR_DEVICE_MEMORY (kryoptic).
 * - `reusedSessions`: session handles are given out again, the lowest free one first (opencryptoki, wolfPKCS11).
 * - `reusedObjects`: object handles likewise (opencryptoki).
 * - `tenPerSearch`: a search finds ten objects at most (wolfPKCS11).
 * - `pinPad`: the token has a PIN pad (CKF_PROTECTED_AUTHENTICATION_PATH), at which the right PIN is typed for a C_Login
 *   without one.
 * - `slowLogin`: C_Login takes 200 ms (tokens behind a network).
 * - `virtualPublicKeys`: C_CreateObject refuses a public key, which the token shows all the same (YubiHSM2).
 * - `needsParameters`: C_Initialize answers CKR_ARGUMENTS_BAD without parameters for the library (NSS).
 */
export const HABITS = [
  "searchesSpoil",
  "slowerWriterFails",
  "reusedSessions",
  "reusedObjects",
  "tenPerSearch",
  "pinPad",
  "slowLogin",
  "virtualPublicKeys",
  "needsParameters",
] as const;

/** What is typed at the PIN pad: the PIN of the tests' tokens. */
const TYPED_PIN = "user-pin-1234";

/** One row for each process that loaded the library: its state dies with it, also where it crashes. */
export const ROW = ["pid", "sessions", "held"] as const;

export const PATH_SIZE = 4096;
export const PROCESS_COUNT = 1024;
export const RECORD_LENGTH = FAULT.length + STATS.length;
export const MODULE_WORDS = FUNCTIONS.length * RECORD_LENGTH;
export const OTHER_USER_WORD = MODULE_WORDS + MODULE_STATS.length;
export const HABIT_WORDS = OTHER_USER_WORD + 1;
/** Two slots whose tokens have changed places; equal if none have. */
export const SWAPPED_WORDS = HABIT_WORDS + HABITS.length;
export const PROCESS_WORDS = SWAPPED_WORDS + 2;
export const CONTROL_SIZE = PATH_SIZE + 8 * (PROCESS_WORDS + PROCESS_COUNT * ROW.length);

/** The same for the C compiler. */
export function layoutHeader(): string {
  const define = (name: string, value: number) => `#define ${name} ${value}`;
  const each = (prefix: string, names: readonly string[], first = 0) =>
    names.map((name, index) => define(`${prefix}_${name}`, first + index));
  return [
    ...each("FN", FUNCTIONS),
    define("FUNCTION_COUNT", FUNCTIONS.length),
    `#define STEERABLE(X) ${FUNCTIONS.map((name) => `X(${name})`).join(" ")}`,
    ...each("FAULT", FAULT),
    ...each("STAT", STATS, FAULT.length),
    define("RECORD_LENGTH", RECORD_LENGTH),
    ...each("STAT", MODULE_STATS, MODULE_WORDS),
    define("CONTROL_otherUser", OTHER_USER_WORD),
    ...each("HABIT", HABITS, HABIT_WORDS),
    define("CONTROL_swapped", SWAPPED_WORDS),
    ...each("ANSWER", ANSWERS),
    ...each("OTHER_USER", OTHER_USER_ACTIONS),
    ...each("ROW", ROW),
    `#define TYPED_PIN "${TYPED_PIN}"`,
    define("ROW_LENGTH", ROW.length),
    define("PROCESSES", PROCESS_WORDS),
    define("PROCESS_COUNT", PROCESS_COUNT),
    define("PATH_SIZE", PATH_SIZE),
    define("CONTROL_SIZE", CONTROL_SIZE),
    "",
  ].join("\n");
}
