import {
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  Network,
  type Provider,
} from "ethers";
import { RPC_CODES } from "./rpc-error.ts";
import { upstreamFailure } from "./rpc-failure.ts";
import type { Eip1193Like, Upstream, UpstreamEvents } from "./upstream.ts";

type Send = Upstream["request"];

/** ethers' view of one chain over an EIP-1193 provider: no polling, no cache, no question which chain it is. */
class ChainProvider extends JsonRpcApiProvider {
  readonly #send: Send;

  constructor(send: Send, chainId: bigint) {
    // Without ethers' plug-ins for known chains, some of which ask web services for gas prices.
    const network = new Network(`chain ${chainId}`, chainId);
    super(network, { staticNetwork: network, batchMaxCount: 1, batchStallTime: 0, cacheTimeout: -1 });
    this.#send = send;
    this._start();
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
    return Promise.all([payload].flat().map((each) => this.#answer(each)));
  }

  async #answer({ id, method, params }: JsonRpcPayload): Promise<JsonRpcResult | JsonRpcError> {
    try {
      return { id, result: await this.#send(method, params) };
    } catch (error) {
      const failure = upstreamFailure(error);
      if (failure.code === RPC_CODES.disconnected) throw failure;
      const { code, message, data } = failure;
      return { id, error: { code, message, data } };
    }
  }
}

/** An EIP-1193 provider as the way to the chain: another wallet's, viem's, Hardhat's. */
export class Eip1193Upstream implements Upstream {
  readonly #source: Eip1193Like;
  #chain: { readonly id: bigint; readonly provider: Provider } | undefined;

  constructor(source: Eip1193Like) {
    this.#source = source;
  }

  async request(method: string, params: readonly unknown[] | object): Promise<unknown> {
    try {
      return await this.#source.request({ method, params });
    } catch (error) {
      throw upstreamFailure(error);
    }
  }

  provider(chainId: bigint): Provider {
    if (this.#chain?.id !== chainId) {
      const send: Send = (method, params) => this.request(method, params);
      this.#chain = { id: chainId, provider: new ChainProvider(send, chainId) };
    }
    return this.#chain.provider;
  }

  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void {
    const source = this.#source;
    // A listener that cannot be removed again would keep this provider alive as long as the upstream.
    if (typeof source.on !== "function" || typeof source.removeListener !== "function") return () => {};
    source.on(name, listener);
    return () => source.removeListener?.(name, listener);
  }
}
