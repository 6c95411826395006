/** JSON that says what a condition or a rule consists of. Integers are strings of decimal digits. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined };

/** One text for equal JSON: names are sorted, and what is undefined is left out. */
export function toCanonicalJson(value: Json): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
