import { getBytes, toUtf8Bytes } from "ethers";
import type { Accounts } from "./accounts.ts";
import { invalidParams, ProviderRpcError, RPC_CODES } from "./errors.ts";
import { isData, parseAddress, parseData } from "./rpc-params.ts";
import { parseTypedData } from "./typed-data.ts";
import type { Upstream } from "./upstream.ts";

/** Messages and typed data, signed by the provider's accounts. Each signature is 65 bytes: r, s, and v as 27 or 28. */
export class Messages {
  readonly #upstream: Upstream;
  readonly #accounts: Accounts;
  readonly #furtherChains: ReadonlySet<bigint>;

  /** @param furtherChains whose typed data is signed, besides the upstream's. */
  constructor(upstream: Upstream, accounts: Accounts, furtherChains: ReadonlySet<bigint>) {
    this.#upstream = upstream;
    this.#accounts = accounts;
    this.#furtherChains = furtherChains;
  }

  /** personal_sign [data, address]: EIP-191, version 0x45. Hex data is bytes; any other string is text, as UTF-8. */
  async personalSign([data, address]: readonly unknown[]): Promise<string> {
    if (typeof data !== "string") throw invalidParams("the message must be a string");
    return this.#signMessage(address, isData(data) ? getBytes(data) : toUtf8Bytes(data));
  }

  /** eth_sign [address, data]: as geth does it, with the prefix of personal_sign; data is hex only. */
  async ethSign([address, data]: readonly unknown[]): Promise<string> {
    return this.#signMessage(address, getBytes(parseData(data, "the message")));
  }

  /** eth_signTypedData_v4 [address, typedData]: EIP-712. A domain of another chain is refused, as wallets do: 4901. */
  async signTypedData([address, parameter]: readonly unknown[]): Promise<string> {
    if (Array.isArray(address)) {
      const message = "typed data of version 1 is not supported: use eth_signTypedData_v4, which takes [address, data]";
      throw new ProviderRpcError(RPC_CODES.unsupportedMethod, message);
    }
    const { domain, types, message, chainId } = parseTypedData(parameter);
    // The account first: a caller that asks for an account that is not the provider's learns nothing of the chain.
    const signer = await this.#accounts.signer(parseAddress(address, "the address"));
    if (chainId !== undefined) await this.#checkChain(chainId);
    return signer.signTypedData(domain, types, message);
  }

  async #checkChain(chainId: bigint): Promise<void> {
    if (this.#furtherChains.has(chainId)) return;
    const current = await this.#upstream.chainId();
    if (current === chainId) return;
    const message =
      `the typed data is for chain ${chainId}, the provider is on chain ${current}; ` +
      "to sign it, name its chain in the option typedDataChainIds of createProvider";
    throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
  }

  async #signMessage(address: unknown, message: Uint8Array): Promise<string> {
    const signer = await this.#accounts.signer(parseAddress(address, "the address"));
    return signer.signMessage(message);
  }
}
