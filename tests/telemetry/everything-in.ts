/** All that a value holds, errors with their stacks and causes. */
export function everythingIn(value: unknown): string {
  const seen = new Set<unknown>();
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each === "bigint") return each.toString(16);
    if (typeof each !== "object" || each === null) return each;
    if (seen.has(each)) return "(above)";
    seen.add(each);
    if (!(each instanceof Error)) return each;
    return Object.fromEntries(Object.getOwnPropertyNames(each).map((name) => [name, Reflect.get(each, name)]));
  });
}
