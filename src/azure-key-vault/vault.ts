import type { KeyClient } from "@azure/keyvault-keys";
import { type OpenVault, openVault } from "./client.ts";
import type { AzureKeyClient, VaultOptions } from "./options.ts";

/** A vault that is opened by the first call which needs it; a failure is not kept. */
export class Vault<C extends AzureKeyClient = AzureKeyClient> {
  readonly #options: VaultOptions<C>;
  #opening: Promise<OpenVault<C | KeyClient>> | undefined;

  constructor(options: VaultOptions<C>) {
    this.#options = options;
  }

  async client(): Promise<C | KeyClient> {
    this.#opening ??= openVault(this.#options).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const { client } = await this.#opening;
    return client;
  }

  /** Ends the connections that were opened here. */
  async close(): Promise<void> {
    const [opened] = await Promise.allSettled([this.#opening]);
    if (opened.status === "fulfilled") opened.value?.close();
  }
}
