import { invalidResponse } from "./errors.ts";

/**
 * `value` itself where it is a Uint8Array (a Buffer is one), of any realm; else BACKEND_RESPONSE_INVALID.
 *
 * `instanceof` would refuse the arrays of another realm, such as those of a frame, a worker or a test runner's sandbox.
 */
export function requireBytes(value: unknown, what: string): Uint8Array {
  if (Object.prototype.toString.call(value) !== "[object Uint8Array]") {
    throw invalidResponse(`${what} is no Uint8Array but ${value === null ? "null" : typeof value}`);
  }
  return value as Uint8Array;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
