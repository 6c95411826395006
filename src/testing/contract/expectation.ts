/** What a case of the contract throws where a key breaks it. */
export class ContractFailure extends Error {
  static {
    const name = { value: "ContractFailure", configurable: true, writable: true };
    Object.defineProperty(ContractFailure.prototype, "name", name);
  }
}

export function expect(condition: boolean, message: string, cause?: unknown): asserts condition {
  if (!condition) throw new ContractFailure(message, cause === undefined ? undefined : { cause });
}

/** What `call` rejects with. It must reject, not throw. */
export async function rejectionOf(call: () => Promise<unknown>, what: string): Promise<unknown> {
  const promise = started(call, what);
  const outcome = await promise.then(
    () => "fulfilled" as const,
    (reason: unknown) => ({ reason }),
  );
  expect(outcome !== "fulfilled", `${what} must be refused, but was answered`);
  return outcome.reason;
}

/** The promise of `call`, which must give one whatever happens. */
export function started<T>(call: () => Promise<T>, what: string): Promise<T> {
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (cause) {
    throw new ContractFailure(`${what} must reject; it threw before it returned a promise`, { cause });
  }
  expect(typeof promise?.then === "function", `${what} must return a promise`);
  return promise;
}

/** A value for a message. */
export function shown(value: unknown): string {
  if (value === null || typeof value !== "object") return String(value);
  const { name, code, message } = value as { name?: unknown; code?: unknown; message?: unknown };
  return [name, code, message].filter((part) => part !== undefined).join(" ") || "an object";
}
