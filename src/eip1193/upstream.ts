import type { JsonRpcApiProvider, Provider } from "ethers";

/** What `request` takes (EIP-1193, "request"). */
export interface RequestArguments {
  readonly method: string;
  readonly params?: readonly unknown[] | object | undefined;
}

/** Another EIP-1193 provider. Its events are passed on where it has `on` and `removeListener`. */
export interface Eip1193Like {
  // biome-ignore lint/suspicious/noExplicitAny: providers declare this argument in many ways.
  request(args: any): Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  on?(event: any, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  removeListener?(event: any, listener: (...args: any[]) => void): unknown;
}

/** The way to the chain: a provider of ethers that speaks JSON-RPC, or any EIP-1193 provider. */
export type UpstreamProvider = JsonRpcApiProvider | Eip1193Like;

/** What an upstream tells by itself. */
export interface UpstreamEvents {
  readonly connect: { readonly chainId: string };
  readonly disconnect: unknown;
  readonly chainChanged: string;
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
