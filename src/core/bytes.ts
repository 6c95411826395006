import { invalidResponse } from "./errors.ts";

// What a typed array is, in any realm; nobody else can say that of itself. `instanceof` would refuse the arrays of another realm,
// such as those of a frame, a worker or a test runner's sandbox.
const nameOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => string | undefined;

/**
 * The bytes of `value` where it is a Uint8Array (a Buffer is one), of any realm; else BACKEND_RESPONSE_INVALID.
 *
 * It is a view of this realm on the same memory, without the methods of a subclass.
 */
export function requireBytes(value: unknown, what: string): Uint8Array {
  if (nameOf.call(value) !== "Uint8Array") {
    throw invalidResponse(`${what} is no Uint8Array but ${value === null ? "null" : typeof value}`);
  }
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
