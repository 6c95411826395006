import { type KeySettings, KeyVersion } from "./key-version.ts";

/** The keys of one vault. Each name has versions, the newest last; without a version a request means the newest. */
export class Vault {
  readonly #keys = new Map<string, KeyVersion[]>();
  readonly #deleted = new Set<string>();

  /** Puts a key there, as an import or a creation does: a name that exists gets a new version. */
  put(name: string, settings: KeySettings = {}): KeyVersion {
    const version = new KeyVersion(settings);
    this.#keys.set(name, [...this.versions(name), version]);
    return version;
  }

  /** A new version with new material and the newest one's settings, as the service's own rotation makes it. */
  rotate(name: string): KeyVersion {
    const { curve, keyOps, tags } = this.#newest(name);
    return this.put(name, { curve, keyOps, tags });
  }

  /** Its name stays blocked, as soft delete has it. */
  delete(name: string): void {
    this.#keys.delete(name);
    this.#deleted.add(name);
  }

  isDeleted(name: string): boolean {
    return this.#deleted.has(name);
  }

  get names(): string[] {
    return [...this.#keys.keys()];
  }

  versions(name: string): readonly KeyVersion[] {
    return this.#keys.get(name) ?? [];
  }

  /** @param version empty for the newest. */
  find(name: string, version: string): KeyVersion | undefined {
    const versions = this.versions(name);
    return version === "" ? versions.at(-1) : versions.find((each) => each.version === version);
  }

  #newest(name: string): KeyVersion {
    const newest = this.versions(name).at(-1);
    if (!newest) throw new Error(`no key ${name}`);
    return newest;
  }
}
