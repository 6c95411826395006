import { isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { mappingOf, type RecoveryAction, standardName } from "./return-values.ts";

/** What may make the call succeed that threw this; undefined if the failure is final, as a wrong PIN is. */
export function recoveryFor(error: unknown): RecoveryAction | undefined {
  // Others are not the library's: those of a PIN function may have numbers, too.
  const value = isSignerError(error) ? returnValueOf(error) : undefined;
  return value === undefined ? undefined : mappingOf((error as SignerError).operation, value)?.recovery;
}

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
  const mapping = value === undefined ? undefined : mappingOf(context.operation, value);
  const name = value === undefined ? "no CKR code" : nameOf(value, error);
  return new SignerError(
    mapping?.code ?? "BACKEND_UNAVAILABLE",
    `${context.operation} failed with ${name}: ${mapping?.hint ?? "see the module's own log"}`,
    {
      ...context,
      retryable: mapping?.recovery === undefined ? false : undefined,
      info: value === undefined ? undefined : { returnValue: value },
      cause: error,
    },
  );
}

function nameOf(value: number, error: unknown): string {
  const hex = `0x${value.toString(16)}`;
  const name = standardName(value) ?? /CKR_\w+/.exec(String((error as { message?: unknown }).message))?.[0];
  return name ? `${name} (${hex})` : hex;
}
