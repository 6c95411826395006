import { assertArgument, type JsonRpcApiProvider, type Network, type SocketSubscriber, toQuantity } from "ethers";
import { ProviderRpcError, RPC_CODES } from "./errors.ts";

/** What `request` takes (EIP-1193, "request"). */
export interface RequestArguments {
  /** The name of the JSON-RPC method. */
  readonly method: string;
  /** By position or by name. */
  readonly params?: readonly unknown[] | object | undefined;
}

/** Another EIP-1193 provider. Its events are passed on if it has `on` and `removeListener`. */
export interface Eip1193Like {
  /** Asks the node; rejects with an error that has the node's code. */
  // biome-ignore lint/suspicious/noExplicitAny: providers declare this argument in many ways.
  request(args: any): Promise<unknown>;
  /** Listens to an event, as Node's EventEmitter does. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  on?(event: any, listener: (...args: any[]) => void): unknown;
  /** Ends what `on` began. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  removeListener?(event: any, listener: (...args: any[]) => void): unknown;
}

/** The way to the chain: a provider of ethers that speaks JSON-RPC, or any EIP-1193 provider. */
export type UpstreamProvider = JsonRpcApiProvider | Eip1193Like;

/** What an upstream tells without being asked. */
export interface UpstreamEvents {
  /** The node responds; the chain's id as hex. */
  readonly connect: { readonly chainId: string };
  readonly disconnect: unknown;
  /** The node is on another chain now; its id as hex. */
  readonly chainChanged: string;
  /** A message of the node, for example of a subscription. */
  readonly message: { readonly type: string; readonly data: unknown };
}

export type Params = readonly unknown[] | object;

/** Delivers requests, and the upstream's events. It throws what the upstream throws. */
export interface Transport {
  send(method: string, params: Params): Promise<unknown>;
  /** Listens until the function that it returns is called. */
  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void;
}

/** @throws ethers' INVALID_ARGUMENT for what is neither kind of provider. */
export function createTransport(provider: UpstreamProvider): Transport {
  if (isEthersProvider(provider)) return new EthersTransport(provider);
  // The provider itself stays out of the message: its URL may hold the key to a service.
  const message = "provider must be a JSON-RPC provider of ethers or an EIP-1193 provider";
  assertArgument(typeof provider?.request === "function", message, "provider", "[REDACTED]");
  return new Eip1193Transport(provider);
}

// Not instanceof: an application may hold several copies of ethers.
function isEthersProvider(provider: UpstreamProvider): provider is JsonRpcApiProvider {
  const { send, getFeeData } = (provider ?? {}) as Partial<JsonRpcApiProvider>;
  return typeof send === "function" && typeof getFeeData === "function";
}

class Eip1193Transport implements Transport {
  readonly #source: Eip1193Like;

  constructor(source: Eip1193Like) {
    this.#source = source;
  }

  async send(method: string, params: Params): Promise<unknown> {
    return this.#source.request({ method, params });
  }

  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void {
    const source = this.#source;
    // A listener that cannot be removed would keep this provider alive as long as the upstream.
    if (typeof source.on !== "function" || typeof source.removeListener !== "function") return () => {};
    source.on(name, listener);
    return () => source.removeListener?.(name, listener);
  }
}

type MessageListener = (event: UpstreamEvents["message"]) => void;

/** The parts of ethers' SocketProvider and WebSocketProvider that tell what the socket tells. */
interface Socketed {
  readonly _register?: (id: string, subscriber: SocketSubscriber) => void;
  readonly websocket?: Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;
}

/** Uses ethers' provider for transport alone: its plug-ins for known chains ask web services for gas prices. */
class EthersTransport implements Transport {
  readonly #source: JsonRpcApiProvider;
  readonly #messageListeners = new Set<MessageListener>();

  constructor(source: JsonRpcApiProvider) {
    this.#source = source;
  }

  async send(method: string, params: Params): Promise<unknown> {
    try {
      const result = await this.#source.send(method, params as unknown[]);
      if (method === "eth_subscribe" && typeof result === "string") this.#deliver(result);
      return result;
    } catch (error) {
      if (!this.#source.destroyed) throw error;
      throw new ProviderRpcError(RPC_CODES.disconnected, "the upstream provider was destroyed");
    }
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

  /** ethers hands the messages of a subscription to its subscriber, and keeps those that came before. */
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
