/** More causes than any chain has that somebody meant. */
const MAX_CAUSES = 50;

/** What is read of errors here, in ethers, in viem and by whoever logs them; some are not own properties. */
const NAMES = ["name", "message", "stack", "cause", "code", "shortMessage", "info", "errors", "toString"];

/**
 * What was thrown, where it and its causes can be read to their end; otherwise an Error in its place that says so.
 *
 * Anything can be thrown: a proxy, a getter that throws itself, causes in a circle. Such a thing must not become another error
 * on the way to the caller, nor in the caller's log.
 */
export function readable(thrown: unknown): unknown {
  const met = new Set<unknown>();
  try {
    for (let each = thrown; isObject(each); each = (each as { cause?: unknown }).cause) {
      if (met.has(each) || met.size === MAX_CAUSES) return unreadable();
      met.add(each);
      for (const name of [...Reflect.ownKeys(each), ...NAMES]) Reflect.get(each, name);
      if (pretends(each)) return unreadable();
    }
    return thrown;
  } catch {
    return unreadable();
  }
}

/** Whether it answers to a name that nothing has: then it says nothing by what it answers to others. */
function pretends(value: object): boolean {
  return Reflect.get(value, "ethers-hsm: no such property") !== undefined;
}

function unreadable(): Error {
  return new Error("what was thrown cannot be read: reading it throws, or its causes have no end");
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
