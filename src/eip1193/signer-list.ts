import { assertArgument, type Provider, type Signer } from "ethers";
import type { AccountSource } from "./account-source.ts";
import { notOurs } from "./rpc-error.ts";

/**
 * A fixed list of signers as a source of accounts. Their addresses are asked for at every call, since remote signers keep
 * them once they have them; a signer that fails hides none of the others.
 */
export class SignerList implements AccountSource {
  readonly #signers: readonly Signer[];

  constructor(signers: readonly Signer[]) {
    for (const signer of signers) {
      const usable = typeof signer?.getAddress === "function" && typeof signer.signTransaction === "function";
      assertArgument(usable, "accounts must be ethers signers", "accounts", "[REDACTED]");
    }
    this.#signers = [...signers];
  }

  /** @throws what the first signer threw where no signer's address is known. */
  async accounts(): Promise<readonly string[]> {
    const { addresses, failure } = await this.#ask();
    if (addresses.size === 0 && failure) throw failure.reason;
    return [...addresses.keys()];
  }

  /** @throws ProviderRpcError 4100 where none has this address; what a signer threw where it might be that one's. */
  async getSigner(address: string, provider: Provider | null): Promise<Signer> {
    const { addresses, failure } = await this.#ask();
    const signer = addresses.get(address);
    if (signer) return provider === null ? signer : signer.connect(provider);
    if (failure) throw failure.reason;
    throw notOurs(address);
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
