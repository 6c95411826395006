import { getBytes, type Signer, toUtf8Bytes } from "ethers";
import type { Accounts } from "./accounts.ts";
import type { Connection } from "./connection.ts";
import { invalidParams, ProviderRpcError, RPC_CODES } from "./rpc-error.ts";
import { signerFailure } from "./rpc-failure.ts";
import { isData, parseAddress, parseData } from "./rpc-values.ts";
import { parseTypedData } from "./typed-data.ts";

/** Messages and typed data, signed by the provider's accounts. Each signature is 65 bytes: r, s, and v as 27 or 28. */
export class Messages {
  readonly #connection: Connection;
  readonly #accounts: Accounts;

  constructor(connection: Connection, accounts: Accounts) {
    this.#connection = connection;
    this.#accounts = accounts;
  }

  /** personal_sign [data, address]: EIP-191, version 0x45. Hex data is bytes; any other string is text, as UTF-8. */
  async personalSign([data, address]: readonly unknown[]): Promise<string> {
    if (typeof data !== "string") throw invalidParams("the message must be a string");
    const message = isData(data) ? getBytes(data) : toUtf8Bytes(data);
    return this.#sign(address, (signer) => signer.signMessage(message));
  }

  /** eth_sign [address, data]: as geth does it, with the prefix of personal_sign; data is hex only. */
  async ethSign([address, data]: readonly unknown[]): Promise<string> {
    const message = getBytes(parseData(data, "the message"));
    return this.#sign(address, (signer) => signer.signMessage(message));
  }

  /** eth_signTypedData_v4 [address, typedData]: EIP-712. A domain of another chain is refused, as wallets do: 4901. */
  async signTypedData([address, parameter]: readonly unknown[]): Promise<string> {
    const { domain, types, message, chainId } = parseTypedData(parameter);
    // The account first: whoever asks for somebody else's signature learns nothing of the chain.
    return this.#sign(address, async (signer) => {
      await this.#requireChain(chainId);
      return signer.signTypedData(domain, types, message);
    });
  }

  async #requireChain(chainId: bigint | undefined): Promise<void> {
    if (chainId === undefined) return;
    const current = await this.#connection.chainId();
    if (current === chainId) return;
    const message = `the typed data is for chain ${chainId}, the provider is on chain ${current}`;
    throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
  }

  async #sign(address: unknown, sign: (signer: Signer) => Promise<string>): Promise<string> {
    const signer = await this.#accounts.signer(parseAddress(address, "the address"), null);
    try {
      return await sign(signer);
    } catch (error) {
      throw signerFailure(error);
    }
  }
}
