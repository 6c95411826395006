import { assertArgument, getAddress, type Provider, type Signer } from "ethers";
import type { AccountSource } from "./account-source.ts";
import { notOurs } from "./rpc-error.ts";
import { signerFailure } from "./rpc-failure.ts";
import { SignerList } from "./signer-list.ts";

/** The accounts as JSON-RPC shows them: addresses in lower case, each once. */
export class Accounts {
  readonly #source: AccountSource;

  constructor(accounts: readonly Signer[] | AccountSource) {
    this.#source = isList(accounts) ? new SignerList(accounts) : checkSource(accounts);
  }

  async list(): Promise<string[]> {
    try {
      const addresses = await this.#source.accounts();
      return [...new Set(addresses.map((address) => address.toLowerCase()))];
    } catch (error) {
      throw signerFailure(error);
    }
  }

  /** The signer of `address`, in lower case. @throws ProviderRpcError 4100 where it is none of ours. */
  async signer(address: string, provider: Provider | null): Promise<Signer> {
    const checksummed = getAddress(address);
    // A list answers for itself: it knows whether the signer that is missing is merely out of reach.
    const isOurs = this.#source instanceof SignerList || (await this.list()).includes(address);
    if (!isOurs) throw notOurs(checksummed);
    try {
      return await this.#source.getSigner(checksummed, provider);
    } catch (error) {
      throw signerFailure(error);
    }
  }

  /** Calls `listener` when the list may have changed, until the function that it returns is called. */
  onChange(listener: () => void): () => void {
    this.#source.on?.("change", listener);
    return () => this.#source.off?.("change", listener);
  }
}

function isList(accounts: readonly Signer[] | AccountSource): accounts is readonly Signer[] {
  return Array.isArray(accounts);
}

function checkSource(source: AccountSource): AccountSource {
  const usable = typeof source?.accounts === "function" && typeof source.getSigner === "function";
  assertArgument(usable, "accounts must be a list of signers or a directory of accounts", "accounts", "[REDACTED]");
  return source;
}
