import { Wallet } from "ethers";
import { type KeyStore, type ListedKey, SignerError, type StoreHealth } from "../../src/index.ts";
import { MemoryKey } from "./memory-key.ts";

/** A store of keys in memory, whose keys and failures a test decides. */
export class MemoryStore implements KeyStore {
  readonly backend = "memory";
  readonly id: string;
  listings = 0;
  /** What the next listings fail with, at their end. */
  outage: Error | undefined;
  /** Where set, listings wait for it. */
  gate: Promise<unknown> | undefined;
  readonly #listed = new Map<string, ListedKey>();

  constructor(id = "store") {
    this.id = id;
  }

  /** Adds the key, or gives it another name. */
  put(privateKey: string, name?: string): string {
    const { address } = new Wallet(privateKey);
    const known = this.#listed.get(address);
    const key = known && "key" in known ? known.key : new MemoryKey(privateKey, `${this.id}/${address}`);
    this.#listed.set(address, { key, address, name });
    return address;
  }

  /** The key is there, but fails. */
  fail(address: string, error: SignerError): void {
    this.#listed.set(address, { id: `${this.id}/${address}`, name: undefined, error });
  }

  remove(address: string): void {
    this.#listed.delete(address);
  }

  async *list({ signal }: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<ListedKey> {
    this.listings += 1;
    await this.gate;
    for (const listed of this.#listed.values()) {
      signal?.throwIfAborted();
      yield listed;
    }
    if (this.outage) throw this.outage;
  }

  async health(): Promise<StoreHealth> {
    if (this.outage) throw this.outage;
    return { reachable: true, canList: true, canSign: true, error: undefined };
  }
}

export function unavailable(): SignerError {
  return new SignerError("BACKEND_UNAVAILABLE", "down");
}
