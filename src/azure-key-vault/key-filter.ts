/** Which of a vault's keys a store is for. */
export interface KeyFilter {
  readonly tags: Readonly<Record<string, string>>;
  /** Empty for all. */
  readonly namePrefix: string;
}

interface NamedKey {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Names are compared as the service does, without the case of letters; tags exactly. */
export function passesFilter({ tags, namePrefix }: KeyFilter, key: NamedKey): boolean {
  return (
    key.name.toLowerCase().startsWith(namePrefix.toLowerCase()) &&
    Object.entries(tags).every(([name, value]) => key.tags?.[name] === value)
  );
}
