// What calls in flight read and write on other threads.
const inFlight = new Set<readonly unknown[]>();

/** Keeps `operands` reachable until `call` is done: a native module may read them when nothing else refers to them. */
export async function holding<T>(operands: readonly unknown[], call: () => Promise<T>): Promise<T> {
  inFlight.add(operands);
  try {
    return await call();
  } finally {
    inFlight.delete(operands);
  }
}
