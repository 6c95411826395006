import type { JsonRpcApiProvider, Provider } from "ethers";

/** What `request` takes (EIP-1193, "request"). */
export interface RequestArguments {
  /** The name of the JSON-RPC method. */
  readonly method: string;
  /** By position or by name. */
  readonly params?: readonly unknown[] | object | undefined;
}

/** Another EIP-1193 provider. Its events are passed on where it has `on` and `removeListener`. */
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

/** What an upstream tells by itself. */
export interface UpstreamEvents {
  /** The node answers; the chain's id as hex. */
  readonly connect: { readonly chainId: string };
  readonly disconnect: unknown;
  /** The node is on another chain now; its id as hex. */
  readonly chainChanged: string;
  /** A message of the node, a subscription's for example. */
  readonly message: { readonly type: string; readonly data: unknown };
}

/** One way to the chain, whatever made it. */
export interface Upstream {
  /** Passes the request on as it is. @throws ProviderRpcError only. */
  request(method: string, params: readonly unknown[] | object): Promise<unknown>;
  /** The provider over which ethers fills in a transaction for this chain. */
  provider(chainId: bigint): Provider;
  /** Listens until the function that it returns is called. */
  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void;
}
