import { expect } from "@jest/globals";
import { isSignerError, type SignerError, type SignerErrorCode } from "../../src/core/errors.ts";

/** What `promise` rejects with, whatever it is. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  if ("value" in outcome) throw new Error(`should have been rejected, but gave ${String(outcome.value)}`);
  return outcome.reason;
}

/** The SignerError that `promise` rejects with, which must be of `code`. */
export async function signerError(promise: Promise<unknown>, code: SignerErrorCode): Promise<SignerError> {
  const reason = await rejection(promise);
  if (!isSignerError(reason)) throw new Error("no SignerError", { cause: reason });
  expect(reason.code).toBe(code);
  return reason;
}

/** Lets everything run that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise and what settles it. */
export function gate<T = void>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
