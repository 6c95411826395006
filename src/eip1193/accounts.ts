import { assertArgument, getAddress, type Signer } from "ethers";
import { ProviderRpcError, RPC_CODES, unknownAccount } from "./errors.ts";

/** Where the provider's accounts come from: an AccountDirectory, or anything of this shape. */
export interface AccountSource {
  /** The addresses that can sign now. The first is the one that applications take unless told otherwise. */
  accounts(): Promise<readonly string[]> | readonly string[];
  /** The signer of one of them, which needs no provider. It is asked at every request, so that it may change. */
  getSigner(address: string): Promise<Signer> | Signer;
  /** Calls `listener` when `accounts()` may return something else. */
  on?(event: "change", listener: () => void): unknown;
  /** Ends what `on` began. */
  off?(event: "change", listener: () => void): unknown;
}

/** The accounts as JSON-RPC shows them: addresses in lower case, each once. */
export class Accounts {
  readonly #source: AccountSource;

  constructor(accounts: readonly Signer[] | AccountSource) {
    this.#source = isList(accounts) ? new SignerList(accounts) : checkSource(accounts);
  }

  async list(): Promise<string[]> {
    const addresses = await this.#source.accounts();
    return [...new Set(addresses.map((address) => address.toLowerCase()))];
  }

  /** The first account. @throws ProviderRpcError 4100 if there is none. */
  async first(): Promise<string> {
    const [first] = await this.list();
    if (first !== undefined) return first;
    throw new ProviderRpcError(RPC_CODES.unauthorized, "no account is available");
  }

  /** The signer of `address`, in lower case. @throws ProviderRpcError 4100 for an account that is not the provider's. */
  async signer(address: string): Promise<Signer> {
    const checksummed = getAddress(address);
    // A list decides itself: it knows whether the signer that is missing is merely out of reach.
    const isOurs = this.#source instanceof SignerList || (await this.list()).includes(address);
    if (!isOurs) throw unknownAccount(checksummed);
    return this.#source.getSigner(checksummed);
  }

  /** Calls `listener` when the list may have changed, until the function that it returns is called. */
  onChange(listener: () => void): () => void {
    this.#source.on?.("change", listener);
    return () => this.#source.off?.("change", listener);
  }
}

/**
 * A fixed list of signers as a source of accounts. Their addresses are asked for at every call, since remote signers keep
 * them once they have them; a signer that fails hides none of the others.
 */
class SignerList implements AccountSource {
  readonly #signers: readonly Signer[];

  constructor(signers: readonly Signer[]) {
    for (const signer of signers) {
      const usable = typeof signer?.getAddress === "function" && typeof signer.signTransaction === "function";
      assertArgument(usable, "accounts must be ethers signers", "accounts", "[REDACTED]");
    }
    this.#signers = [...signers];
  }

  /** @throws what a signer threw, if no signer's address is known. */
  async accounts(): Promise<readonly string[]> {
    const { addresses, failure } = await this.#ask();
    if (addresses.size === 0 && failure) throw failure.reason;
    return [...addresses.keys()];
  }

  /** @throws ProviderRpcError 4100 if none has this address; what a signer threw if it might be that one's. */
  async getSigner(address: string): Promise<Signer> {
    const { addresses, failure } = await this.#ask();
    const signer = addresses.get(address);
    if (signer) return signer;
    if (failure) throw failure.reason;
    throw unknownAccount(address);
  }

  async #ask(): Promise<{ addresses: Map<string, Signer>; failure: PromiseRejectedResult | undefined }> {
    const asked = await Promise.allSettled(
      this.#signers.map(async (signer) => ({ signer, address: await signer.getAddress() })),
    );
    const addresses = new Map<string, Signer>();
    for (const result of asked) {
      if (result.status === "rejected" || addresses.has(result.value.address)) continue;
      addresses.set(result.value.address, result.value.signer);
    }
    return { addresses, failure: asked.find((result) => result.status === "rejected") };
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
