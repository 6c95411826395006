import { getBigInt, toQuantity } from "ethers";
import { withDeadline } from "../signer/deadline.ts";
import { ProviderRpcError, RPC_CODES, upstreamError } from "./errors.ts";
import type { Params, Transport, UpstreamEvents } from "./transports.ts";

/** What an upstream's responses say about it (EIP-1193, "Events"). */
export interface ConnectionListener {
  connect(info: { readonly chainId: string }): void;
  disconnect(error: ProviderRpcError): void;
  chainChanged(chainId: string): void;
  /** The upstream did what this method asks for. */
  succeeded(method: string): void;
}

export interface UpstreamOptions {
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** The only chain that is accepted. */
  readonly chainId: bigint | undefined;
}

const MAX_SHOWN = 100;

/**
 * The connection to the chain, and what its responses say about it. It sends no requests of its own: the chain is that of the last response
 * to eth_chainId, the connection is up after a response, and down after a request that could not be delivered.
 */
export class Upstream {
  readonly #transport: Transport;
  readonly #options: UpstreamOptions;
  readonly #listener: ConnectionListener;
  #chainId: string | undefined;
  #isUp: boolean | undefined;

  constructor(transport: Transport, options: UpstreamOptions, listener: ConnectionListener) {
    this.#transport = transport;
    this.#options = options;
    this.#listener = listener;
  }

  /** Passes the request on as it is. @throws ProviderRpcError only: -32002 after the timeout. */
  async request(method: string, params: Params): Promise<unknown> {
    const { timeout: ms } = this.#options;
    const message = `the upstream did not answer ${method} within ${ms} ms`;
    const error = () => new ProviderRpcError(RPC_CODES.resourceUnavailable, message);
    try {
      const result = await withDeadline(() => this.#transport.send(method, params), { deadline: { ms, error } });
      if (method === "eth_chainId") this.moved(result);
      else this.#answered();
      this.#listener.succeeded(method);
      return result;
    } catch (error) {
      const failure = upstreamError(error);
      if (failure.code === RPC_CODES.disconnected) this.lost(failure);
      else this.#answered();
      throw failure;
    }
  }

  /**
   * The chain that the upstream is on now.
   *
   * @throws ProviderRpcError 4901 for chain 0, with which a transaction is valid on every chain, and for another chain than
   *   the option's.
   */
  async chainId(): Promise<bigint> {
    const chainId = await this.quantity("eth_chainId", []);
    const { chainId: expected } = this.#options;
    if (expected !== undefined && chainId !== expected) {
      const message = `the upstream is on chain ${chainId}, and the option chainId names chain ${expected}`;
      throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
    }
    if (chainId !== 0n) return chainId;
    const message = "the upstream says that it is on chain 0; what is signed for no chain is valid on every chain";
    throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
  }

  /** A request for a number. @throws ProviderRpcError -32603 for any other response, and for more than `max`. */
  async quantity(method: string, params: readonly unknown[], max?: bigint): Promise<bigint> {
    const answer = await this.request(method, params);
    const quantity = readNumber(answer);
    if (quantity === undefined) throw invalidAnswer(method, answer, "is not a quantity");
    if (max !== undefined && quantity > max) throw invalidAnswer(method, answer, `is more than ${max}`);
    return quantity;
  }

  /** The base fee of the newest block (EIP-1559), in wei; undefined on a chain without base fees. */
  async baseFee(): Promise<bigint | undefined> {
    const method = "eth_getBlockByNumber";
    const block = await this.request(method, ["latest", false]);
    if (typeof block !== "object" || block === null) throw invalidAnswer(method, block, "is not a block");
    const { baseFeePerGas } = block as { baseFeePerGas?: unknown };
    if (baseFeePerGas === undefined || baseFeePerGas === null) return undefined;
    const baseFee = readNumber(baseFeePerGas);
    if (baseFee === undefined) throw invalidAnswer(method, baseFeePerGas, "has a baseFeePerGas that is not a quantity");
    return baseFee;
  }

  listen<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): () => void {
    return this.#transport.listen(name, listener);
  }

  /** The upstream is on this chain. */
  moved(answer: unknown): void {
    const number = readNumber(answer);
    const chainId = number === undefined ? undefined : toQuantity(number);
    const previous = this.#chainId;
    this.#chainId = chainId ?? previous;
    this.#answered();
    if (previous !== undefined && chainId !== undefined && previous !== chainId) this.#listener.chainChanged(chainId);
  }

  /** The upstream does not take requests. */
  lost(error: unknown): void {
    if (this.#isUp === false) return;
    this.#isUp = false;
    this.#listener.disconnect(upstreamError(error));
  }

  #answered(): void {
    if (this.#isUp || this.#chainId === undefined) return;
    this.#isUp = true;
    this.#listener.connect({ chainId: this.#chainId });
  }
}

/** Nodes also return numbers, leading zeros and decimal strings. */
function readNumber(answer: unknown): bigint | undefined {
  if (typeof answer !== "string" && typeof answer !== "number") return undefined;
  try {
    const number = getBigInt(answer);
    return number < 0n ? undefined : number;
  } catch {
    return undefined;
  }
}

function invalidAnswer(method: string, answer: unknown, what: string): ProviderRpcError {
  const text = JSON.stringify(answer) ?? typeof answer;
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return new ProviderRpcError(RPC_CODES.internal, `the upstream's answer to ${method} ${what}: ${shown}`);
}
