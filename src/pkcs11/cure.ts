import { isSignerError } from "../core/errors.ts";
import { CKR, returnValueOf } from "./errors.ts";

/**
 * What makes a call that failed succeed, if anything does.
 *
 * - `again`: nothing but time; the token throttles, or has lost an HSM of several.
 * - `session`: another session.
 * - `login`: a login, and looking for the key again.
 * - `library`: starting the library again.
 */
export type Cure = "again" | "session" | "login" | "library";

const CURES: ReadonlyMap<number | undefined, Cure> = new Map<number, Cure>([
  [CKR.HOST_MEMORY, "again"],
  [CKR.FUNCTION_FAILED, "again"],
  [CKR.DEVICE_MEMORY, "again"],
  [CKR.FUNCTION_CANCELED, "again"],
  [CKR.SESSION_COUNT, "again"],
  [CKR.OPERATION_ACTIVE, "session"],
  [CKR.OPERATION_NOT_INITIALIZED, "session"],
  [CKR.SESSION_CLOSED, "session"],
  [CKR.SESSION_HANDLE_INVALID, "session"],
  [CKR.KEY_HANDLE_INVALID, "login"],
  [CKR.OBJECT_HANDLE_INVALID, "login"],
  [CKR.USER_NOT_LOGGED_IN, "login"],
  [CKR.SLOT_ID_INVALID, "library"],
  [CKR.GENERAL_ERROR, "library"],
  [CKR.DEVICE_ERROR, "library"],
  [CKR.DEVICE_REMOVED, "library"],
  [CKR.TOKEN_NOT_PRESENT, "library"],
  [CKR.TOKEN_NOT_RECOGNIZED, "library"],
  [CKR.CRYPTOKI_NOT_INITIALIZED, "library"],
]);

/** The cure for what a call threw; undefined where it is final, as a wrong PIN is. */
export function cureOf(error: unknown): Cure | undefined {
  // Others are not the library's: those of a PIN function may have numbers, too.
  return isSignerError(error) ? CURES.get(returnValueOf(error)) : undefined;
}
