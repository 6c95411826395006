import type { StoredKey } from "../accounts/key-store.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { PublishedKey } from "./answer.ts";
import type { KmsConnection } from "./connection.ts";
import { KmsKey } from "./key.ts";
import { KnownKey } from "./known-key.ts";

interface Account {
  readonly published: PublishedKey;
  readonly address: string;
}

/**
 * What never changes of a key, by key ARN: that it is none for Ethereum, or its public key. Spec and usage are fixed for a
 * key's life, and so is the material of an asymmetric key, imported material included: only the same can be imported again.
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html
 */
export class KnownKeys {
  readonly #connection: KmsConnection;
  readonly #facts = new Map<string, Account | "other">();

  /** @param connection the one that all keys share. */
  constructor(connection: KmsConnection) {
    this.#connection = connection;
  }

  isOther(arn: string): boolean {
    return this.#facts.get(arn) === "other";
  }

  addOther(arn: string): void {
    this.#facts.set(arn, "other");
  }

  add(published: PublishedKey): void {
    this.#facts.set(published.arn, { published, address: addressFromPublicKey(published.publicKey) });
  }

  /** A key of its own for each caller, who may close it; undefined where the public key is not known. */
  stored(arn: string, name: string | undefined): StoredKey | undefined {
    const fact = this.#facts.get(arn);
    if (fact === undefined || fact === "other") return undefined;
    const key = new KmsKey(new KnownKey(this.#connection, fact.published));
    return { key, address: fact.address, name };
  }

  /** The ARNs of the keys whose public key is known. */
  *arns(): Generator<string, void, undefined> {
    for (const [arn, fact] of this.#facts) if (fact !== "other") yield arn;
  }

  /** Forgets the keys that a complete listing did not meet. */
  keepOnly(met: ReadonlySet<string>): void {
    for (const arn of this.#facts.keys()) if (!met.has(arn)) this.#facts.delete(arn);
  }
}
