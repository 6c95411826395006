import type { Signer } from "ethers";
import type { AccountSource } from "./account-source.ts";
import { Accounts } from "./accounts.ts";
import { Calls } from "./calls.ts";
import { Connection } from "./connection.ts";
import { Emitter, type Listener } from "./emitter.ts";
import { Messages } from "./messages.ts";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";
import { signerFailure } from "./rpc-failure.ts";
import { parseArray } from "./rpc-values.ts";
import { Transactions } from "./transactions.ts";
import type { RequestArguments, Upstream, UpstreamEvents } from "./upstream.ts";

/** The events of EIP-1193 and what their listeners get. */
export interface ProviderEvents extends Pick<UpstreamEvents, "connect" | "chainChanged" | "message"> {
  /** The upstream takes no requests: code 4900. */
  readonly disconnect: ProviderRpcError;
  /** The addresses that there are now, in lower case. */
  readonly accountsChanged: readonly string[];
}

type Method = (params: readonly unknown[]) => Promise<unknown>;

/**
 * An EIP-1193 provider that signs with the application's own accounts and leaves the rest to an upstream.
 *
 * It asks nobody before it signs: whoever holds it can spend what the accounts own. Do not hand it to code that is not
 * trusted with the keys.
 */
export class AccountsProvider {
  readonly #connection: Connection;
  readonly #accounts: Accounts;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #events: Emitter<ProviderEvents>;
  #knownAccounts: readonly string[] | undefined;

  /** Use {@link createProvider}. */
  constructor(accounts: readonly Signer[] | AccountSource, upstream: Upstream, ethSign: boolean) {
    const events = new Emitter<ProviderEvents>({
      accountsChanged: () => this.#accounts.onChange(() => void this.#compareAccounts()),
      chainChanged: () => upstream.listen("chainChanged", (chainId) => this.#connection.moved(chainId)),
      connect: () => upstream.listen("connect", ({ chainId }) => this.#connection.moved(chainId)),
      disconnect: () => upstream.listen("disconnect", (error) => this.#connection.lost(error)),
      message: () => upstream.listen("message", (message) => events.emit("message", message)),
    });
    this.#events = events;
    this.#accounts = new Accounts(accounts);
    this.#connection = new Connection(upstream, {
      connect: (info) => events.emit("connect", info),
      disconnect: (error) => events.emit("disconnect", error),
      chainChanged: (chainId) => events.emit("chainChanged", chainId),
    });
    this.#methods = this.#table(ethSign);
  }

  /**
   * Answers a JSON-RPC request (EIP-1193, "request"). The methods that need an account are answered here; every other goes
   * upstream as it is, and the upstream's answer or error comes back as it is.
   *
   * It is an async function, since web3.js takes nothing else for an EIP-1193 provider.
   *
   * @throws ProviderRpcError and nothing else.
   */
  async request(args: RequestArguments): Promise<unknown> {
    try {
      const { method, params } = checkRequest(args);
      const own = this.#methods.get(method);
      return own ? await own(parseArray(params, "params")) : await this.#connection.request(method, params);
    } catch (error) {
      throw signerFailure(error);
    }
  }

  /** Listens to an event of EIP-1193. What is listened to upstream for it ends with the last listener. */
  on<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.on(event, listener);
    return this;
  }

  once<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.once(event, listener);
    return this;
  }

  removeListener<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.off(event, listener);
    return this;
  }

  /** The same as `removeListener`. */
  off<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    return this.removeListener(event, listener);
  }

  #table(ethSign: boolean): ReadonlyMap<string, Method> {
    const messages = new Messages(this.#connection, this.#accounts);
    const transactions = new Transactions(this.#connection, this.#accounts);
    const calls = new Calls(this.#connection, this.#accounts, transactions);
    return new Map<string, Method>([
      ["eth_accounts", () => this.#listAccounts()],
      ["personal_listAccounts", () => this.#listAccounts()],
      ["eth_requestAccounts", () => this.#requestAccounts()],
      ["eth_sendTransaction", ([transaction]) => transactions.send(transaction)],
      ["eth_signTransaction", ([transaction]) => transactions.sign(transaction)],
      ["personal_sign", (params) => messages.personalSign(params)],
      ["eth_signTypedData_v4", (params) => messages.signTypedData(params)],
      ["eth_sign", ethSign ? (params) => messages.ethSign(params) : refuseEthSign],
      ["wallet_getCapabilities", (params) => calls.capabilities(params)],
      ["wallet_sendCalls", (params) => calls.send(params)],
      ["wallet_getCallsStatus", (params) => calls.status(params)],
    ]);
  }

  async #listAccounts(): Promise<string[]> {
    const accounts = await this.#accounts.list();
    this.#knownAccounts = accounts;
    return [...accounts];
  }

  async #requestAccounts(): Promise<string[]> {
    const accounts = await this.#listAccounts();
    if (accounts.length > 0) return accounts;
    throw new ProviderRpcError(RPC_CODES.unauthorized, "no account is available");
  }

  async #compareAccounts(): Promise<void> {
    const known = this.#knownAccounts;
    try {
      const accounts = await this.#listAccounts();
      if (known?.join() !== accounts.join()) this.#events.emit("accountsChanged", accounts);
    } catch {
      // Nobody asked: whoever asks for the accounts next gets the error.
    }
  }
}

async function refuseEthSign(): Promise<never> {
  throw new ProviderRpcError(RPC_CODES.unsupportedMethod, "eth_sign is not switched on; use personal_sign");
}

function checkRequest(args: RequestArguments): { method: string; params: readonly unknown[] | object } {
  const { method, params = [] } = (args ?? {}) as { method?: unknown; params?: unknown };
  if (typeof method === "string" && method !== "" && typeof params === "object" && params !== null) {
    return { method, params };
  }
  const message = "a request is an object with a method, and params that are an array or an object";
  throw new ProviderRpcError(RPC_CODES.invalidRequest, message);
}
