import { assert, FetchRequest, JsonRpcProvider } from "ethers";

/** Milliseconds for one request, its repetitions included. */
const TIMEOUT = 10_000;

/** The chain as an RPC shows it, once it has said that it is the right chain. */
export class Node {
  readonly #chainId: bigint;
  readonly #provider: JsonRpcProvider;
  #checked: Promise<void> | undefined;

  constructor(url: string, chainId: bigint) {
    const request = new FetchRequest(url);
    request.timeout = TIMEOUT;
    this.#chainId = chainId;
    this.#provider = new JsonRpcProvider(request, chainId, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  }

  /** @throws ethers' NETWORK_ERROR where the RPC is another chain's: its nonces and fees would be, too. */
  async provider(): Promise<JsonRpcProvider> {
    this.#checked ??= this.#check();
    try {
      await this.#checked;
    } catch (error) {
      // The next request asks again.
      this.#checked = undefined;
      throw error;
    }
    return this.#provider;
  }

  async #check(): Promise<void> {
    const answer = BigInt(await this.#provider.send("eth_chainId", []));
    assert(answer === this.#chainId, `RPC_URL is chain ${answer}, not ${this.#chainId}`, "NETWORK_ERROR", {
      event: "chain check",
    });
  }
}
