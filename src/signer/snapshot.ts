import { isBytes } from "@noble/curves/utils.js";
import { assertArgument } from "ethers";

const MAX_DEPTH = 100;
const MAX_VALUES = 100_000;

/**
 * A deep copy of what a caller passed, to be made before the first await: what is signed is what was asked at the call,
 * whatever the caller's objects become later.
 *
 * Each property, getter and element is read once. An instance of a class becomes a plain object with its properties and
 * the getters of its classes. Bytes are copied as they are in memory. Functions are kept. A promise and an ethers
 * Addressable become plain objects, which ethers refuses: what may be one must be resolved, not copied.
 *
 * @param name the argument's name, for errors.
 * @throws ethers' INVALID_ARGUMENT for more than 100 levels, for more than 100,000 values, and thus for circles.
 */
export function snapshot<T>(value: T, name: string): T {
  let values = 0;
  const copy = (each: unknown, depth: number): unknown => {
    values++;
    assertArgument(
      depth <= MAX_DEPTH && values <= MAX_VALUES,
      `the value has more than ${MAX_DEPTH} levels or ${MAX_VALUES} values`,
      name,
      "[not shown]",
    );
    if (typeof each !== "object" || each === null) return each;
    if (ArrayBuffer.isView(each) && isBytes(each)) return new Uint8Array(each);
    if (Array.isArray(each)) return Array.from({ length: each.length }, (_, index) => copy(each[index], depth + 1));
    return Object.fromEntries(propertyNames(each).map((key) => [key, copy(Reflect.get(each, key), depth + 1)]));
  };
  return copy(value, 0) as T;
}

/** The object's own enumerable properties, and the getters of the classes that it is an instance of. */
export function propertyNames(object: object): string[] {
  const names = new Set(Object.keys(object));
  for (let at = Object.getPrototypeOf(object); at && Object.getPrototypeOf(at); at = Object.getPrototypeOf(at)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (get) names.add(name);
  }
  return [...names];
}
