import { type JsonRpcApiProvider, type Network, type Provider, type SocketSubscriber, toQuantity } from "ethers";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";
import { upstreamFailure } from "./rpc-failure.ts";
import type { Upstream, UpstreamEvents } from "./upstream.ts";

type MessageListener = (event: UpstreamEvents["message"]) => void;

/** The parts of ethers' SocketProvider and WebSocketProvider that tell what the socket tells. */
interface Socketed {
  readonly _register?: (id: string, subscriber: SocketSubscriber) => void;
  readonly websocket?: Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;
}

/** A JSON-RPC provider of ethers as the way to the chain. Over a socket, subscriptions give their messages. */
export class EthersUpstream implements Upstream {
  readonly #source: JsonRpcApiProvider;
  readonly #messageListeners = new Set<MessageListener>();

  constructor(source: JsonRpcApiProvider) {
    this.#source = source;
  }

  async request(method: string, params: readonly unknown[] | object): Promise<unknown> {
    try {
      const result = await this.#source.send(method, params as unknown[]);
      if (method === "eth_subscribe" && typeof result === "string") this.#deliver(result);
      return result;
    } catch (error) {
      if (!this.#source.destroyed) throw upstreamFailure(error);
      throw new ProviderRpcError(RPC_CODES.disconnected, "the upstream provider was destroyed");
    }
  }

  provider(): Provider {
    return this.#source;
  }

  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void {
    if (name === "message") {
      const onMessage = listener as MessageListener;
      this.#messageListeners.add(onMessage);
      return () => this.#messageListeners.delete(onMessage);
    }
    if (name === "chainChanged") return this.#onNetwork(listener as (chainId: string) => void);
    if (name === "disconnect") return this.#onClose(() => (listener as (error: undefined) => void)(undefined));
    return () => {};
  }

  /** ethers hands the messages of a subscription to whoever registered for it, and keeps those that came before. */
  #deliver(subscription: string): void {
    const subscriber: Pick<SocketSubscriber, "_handleMessage"> = {
      _handleMessage: (result) => {
        const message = { type: "eth_subscription", data: { subscription, result } };
        for (const listener of this.#messageListeners) listener(message);
      },
    };
    (this.#source as Socketed)._register?.(subscription, subscriber as SocketSubscriber);
  }

  /** Only a provider that was made for network "any" follows its node to another chain, and says so. */
  #onNetwork(listener: (chainId: string) => void): () => void {
    const onNetwork = (network: Network) => listener(toQuantity(network.chainId));
    void this.#source.on("network", onNetwork);
    return () => void this.#source.off("network", onNetwork);
  }

  #onClose(listener: () => void): () => void {
    if (this.#source.destroyed) return () => {};
    const { websocket } = this.#source as Socketed;
    websocket?.addEventListener?.("close", listener);
    return () => websocket?.removeEventListener?.("close", listener);
  }
}
