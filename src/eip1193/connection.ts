import { type Provider, toQuantity } from "ethers";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";
import { upstreamFailure } from "./rpc-failure.ts";
import { parseQuantity } from "./rpc-values.ts";
import type { Upstream } from "./upstream.ts";

/** What a connection tells (EIP-1193, "Events"). */
export interface ConnectionEvents {
  connect(info: { readonly chainId: string }): void;
  disconnect(error: ProviderRpcError): void;
  chainChanged(chainId: string): void;
}

/**
 * The upstream, and what its answers tell of it. It asks nothing by itself: the chain is what eth_chainId answered last, the
 * connection is up when something was answered, and down when a request could not be delivered.
 */
export class Connection {
  readonly #upstream: Upstream;
  readonly #events: ConnectionEvents;
  #chainId: string | undefined;
  #isUp: boolean | undefined;

  constructor(upstream: Upstream, events: ConnectionEvents) {
    this.#upstream = upstream;
    this.#events = events;
  }

  /** @throws ProviderRpcError only. */
  async request(method: string, params: readonly unknown[] | object): Promise<unknown> {
    try {
      const result = await this.#upstream.request(method, params);
      if (method === "eth_chainId" && typeof result === "string") this.moved(result);
      else this.#answered();
      return result;
    } catch (error) {
      const failure = upstreamFailure(error);
      if (failure.code === RPC_CODES.disconnected) this.lost(failure);
      else this.#answered();
      throw failure;
    }
  }

  /** The chain that the upstream is on now. */
  async chainId(): Promise<bigint> {
    return parseAnswer(await this.request("eth_chainId", []), "eth_chainId");
  }

  /** A transaction count, a gas estimate: a request whose answer is a quantity. */
  async quantity(method: string, params: readonly unknown[]): Promise<bigint> {
    return parseAnswer(await this.request(method, params), method);
  }

  /** The provider over which ethers fills in a transaction for this chain. */
  provider(chainId: bigint): Provider {
    return this.#upstream.provider(chainId);
  }

  /** The upstream is on this chain. */
  moved(answer: string): void {
    const chainId = normalised(answer);
    const previous = this.#chainId;
    this.#chainId = chainId;
    this.#answered();
    if (previous !== undefined && previous !== chainId) this.#events.chainChanged(chainId);
  }

  /** The upstream does not take requests. */
  lost(error: unknown): void {
    if (this.#isUp === false) return;
    this.#isUp = false;
    this.#events.disconnect(upstreamFailure(error));
  }

  #answered(): void {
    if (this.#isUp || this.#chainId === undefined) return;
    this.#isUp = true;
    this.#events.connect({ chainId: this.#chainId });
  }
}

// Some providers tell the chain as a number, or with leading zeros.
function normalised(chainId: string): string {
  try {
    return toQuantity(chainId);
  } catch {
    return chainId;
  }
}

function parseAnswer(answer: unknown, method: string): bigint {
  try {
    return parseQuantity(answer, method);
  } catch {
    throw new ProviderRpcError(RPC_CODES.internal, `the upstream's answer to ${method} is no quantity`);
  }
}
