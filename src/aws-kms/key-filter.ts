/** Which of an account's keys belong to a store. */
export interface KeyFilter {
  /** All of them must be on the key, with just these values. */
  readonly tags: Readonly<Record<string, string>>;
  readonly aliasPrefix: string | undefined;
}

/** The filter as people read it, for the store's `id`. */
export function describeFilter({ tags, aliasPrefix }: KeyFilter): string {
  const parts = Object.entries(tags).map(([name, value]) => ` ${name}=${value}`);
  return `${aliasPrefix === undefined ? "" : ` ${aliasPrefix}*`}${parts.join("")}`;
}
