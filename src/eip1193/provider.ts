import { assertArgument, getBigInt, type Signer, toQuantity } from "ethers";
import type { NonceStore } from "../nonces/store.ts";
import { type AccountSource, Accounts } from "./accounts.ts";
import { Calls } from "./calls.ts";
import { Emitter, type Listener } from "./emitter.ts";
import { ProviderRpcError, providerError, RPC_CODES } from "./errors.ts";
import { Messages } from "./messages.ts";
import { copyParams, parseArray } from "./rpc-params.ts";
import { SharedNonces } from "./shared-nonces.ts";
import { Transactions } from "./transactions.ts";
import {
  createTransport,
  type Params,
  type RequestArguments,
  type UpstreamEvents,
  type UpstreamProvider,
} from "./transports.ts";
import { Upstream } from "./upstream.ts";
import { isForNodeKeys, refuseNodeKeys, WalletMethods } from "./wallet-methods.ts";

/** What a provider is made of. */
export interface ProviderOptions {
  /** The accounts: ethers signers, or an AccountDirectory, whose changes become `accountsChanged`. */
  readonly accounts: readonly Signer[] | AccountSource;
  /** The way to the chain: an ethers JsonRpcProvider or WebSocketProvider, or another EIP-1193 provider. */
  readonly provider: UpstreamProvider;
  /** The only chain that is signed for: 4901 if the upstream says another. Default: the chain that the upstream says. */
  readonly chainId?: bigint | number | undefined;
  /**
   * The most that a transaction may cost as fee, in wei: gas limit × maxFeePerGas or gasPrice. More is refused with -32003,
   * also if the upstream suggested it. Default: no limit, so that the upstream decides what is paid.
   */
  readonly maxFeePerTransaction?: bigint | undefined;
  /** Further chains whose typed data (EIP-712) is signed, for example an order book's. Default: the upstream's chain only. */
  readonly typedDataChainIds?: Iterable<bigint | number> | undefined;
  /** Whether eth_sign is answered. It signs as personal_sign does. Default: false. */
  readonly ethSign?: boolean | undefined;
  /**
   * Whether a legacy transaction that names chain 0 is signed without EIP-155. It is valid on every chain: anyone can send it
   * there too. Default: false.
   */
  readonly unprotectedTransactions?: boolean | undefined;
  /**
   * Where nonces are counted, for accounts that other processes send from too: a store of `ethers-hsm/nonces`. A transaction may name no nonce
   * then. Default: in this provider.
   */
  readonly nonces?: NonceStore | undefined;
  /** Milliseconds for each request to the upstream. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/** The events of EIP-1193 and what their listeners get. */
export interface ProviderEvents extends Pick<UpstreamEvents, "connect" | "chainChanged" | "message"> {
  /** The upstream takes no requests: code 4900. */
  readonly disconnect: ProviderRpcError;
  /** The addresses that there are now, in lower case. */
  readonly accountsChanged: readonly string[];
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 2 ** 31 - 1;

type Method = (params: readonly unknown[]) => Promise<unknown>;

/**
 * An EIP-1193 provider over accounts whose keys live elsewhere: for ethers' BrowserProvider, viem's `custom`, web3.js, and
 * other software that takes one. Does no I/O.
 *
 * Make one for an account and a chain, and share it: two providers do not know of each other's nonces, unless both have the same `nonces`.
 *
 * @throws ethers' INVALID_ARGUMENT for an option that cannot be used.
 */
export function createProvider(options: ProviderOptions): Eip1193Provider {
  return new AccountsProvider(options);
}

/**
 * An EIP-1193 provider that signs with the application's own accounts and passes other requests to an upstream.
 *
 * It signs without confirmation: code that holds it can spend the accounts' funds. Do not hand it to code that is not trusted
 * with the keys.
 */
class AccountsProvider {
  readonly #upstream: Upstream;
  readonly #accounts: Accounts;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #events: Emitter<ProviderEvents>;
  #knownAccounts: readonly string[] | undefined;

  /** Use {@link createProvider}. */
  constructor(options: ProviderOptions) {
    const { accounts, provider, ethSign = false, timeout = DEFAULT_TIMEOUT, maxFeePerTransaction } = options;
    const isPeriod = Number.isInteger(timeout) && timeout > 0 && timeout <= MAX_TIMEOUT;
    assertArgument(isPeriod, `timeout must be an integer from 1 to ${MAX_TIMEOUT} milliseconds`, "timeout", timeout);
    const isWei = maxFeePerTransaction === undefined || typeof maxFeePerTransaction === "bigint";
    assertArgument(
      isWei,
      "maxFeePerTransaction must be a bigint, in wei",
      "maxFeePerTransaction",
      maxFeePerTransaction,
    );
    const chainId = options.chainId === undefined ? undefined : checkChain(options.chainId, "chainId");
    const furtherChains = [...(options.typedDataChainIds ?? [])].map((each) => checkChain(each, "typedDataChainIds"));

    const events = new Emitter<ProviderEvents>({
      accountsChanged: () => this.#accounts.onChange(() => void this.#compareAccounts()),
      chainChanged: () => this.#upstream.listen("chainChanged", (changed) => this.#upstream.moved(changed)),
      connect: () => this.#upstream.listen("connect", (info) => this.#upstream.moved(info?.chainId)),
      disconnect: () => this.#upstream.listen("disconnect", (error) => this.#upstream.lost(error)),
      message: () => this.#upstream.listen("message", (message) => events.emit("message", message)),
    });
    this.#events = events;
    this.#accounts = new Accounts(accounts);
    this.#upstream = new Upstream(
      createTransport(provider),
      { timeout, chainId },
      {
        connect: (info) => events.emit("connect", info),
        disconnect: (error) => events.emit("disconnect", error),
        chainChanged: (changed) => events.emit("chainChanged", changed),
        succeeded: (method) => transactions.noteMethod(method),
      },
    );
    const unprotectedTransactions = options.unprotectedTransactions === true;
    const sharedNonces = options.nonces && new SharedNonces(this.#upstream, options.nonces, timeout);
    const transactionOptions = { maxFeePerTransaction, unprotectedTransactions, sharedNonces };
    const transactions = new Transactions(this.#upstream, this.#accounts, transactionOptions);
    const messages = new Messages(this.#upstream, this.#accounts, new Set(furtherChains));
    this.#methods = this.#createMethods(transactions, messages, ethSign);
  }

  /**
   * Answers a JSON-RPC request (EIP-1193, "request"). The methods that need an account are answered here; every other goes
   * upstream as it is, and the upstream's response or error comes back as it is.
   *
   * The parameters are copied before the first await: what is signed is what was asked at the call.
   *
   * It is an async function, since web3.js accepts only that as an EIP-1193 provider.
   *
   * @throws ProviderRpcError and nothing else.
   */
  async request(args: RequestArguments): Promise<unknown> {
    try {
      const { method, params } = copyRequest(args);
      const own = this.#methods.get(method) ?? (isForNodeKeys(method) ? refuseNodeKeys : undefined);
      return own ? await own(parseArray(params, "params")) : await this.#upstream.request(method, params);
    } catch (error) {
      throw providerError(error);
    }
  }

  /**
   * Listens to an event of EIP-1193. Listening to the upstream for it ends with the last listener.
   *
   * @throws ethers' INVALID_ARGUMENT for a listener that is not a function.
   */
  on<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.on(event, listener);
    return this;
  }

  /** As `on`, for the next event only. */
  once<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.once(event, listener);
    return this;
  }

  /** Ends what `on` or `once` began; of a listener that was added several times, the last. */
  removeListener<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    this.#events.off(event, listener);
    return this;
  }

  /** The same as `removeListener`. */
  off<Name extends keyof ProviderEvents>(event: Name, listener: Listener<ProviderEvents[Name]>): this {
    return this.removeListener(event, listener);
  }

  #createMethods(transactions: Transactions, messages: Messages, ethSign: boolean): ReadonlyMap<string, Method> {
    const calls = new Calls(this.#upstream, this.#accounts, transactions);
    const wallet = new WalletMethods(this.#upstream, this.#accounts);
    const listAccounts = () => this.#listAccounts();
    const signTypedData: Method = (params) => messages.signTypedData(params);
    return new Map<string, Method>([
      ["eth_accounts", listAccounts],
      ["personal_listAccounts", listAccounts],
      ["eth_requestAccounts", () => this.#requestAccounts()],
      ["eth_coinbase", () => this.#accounts.first()],
      ["eth_chainId", async () => toQuantity(await this.#upstream.chainId())],
      ["eth_sendTransaction", ([transaction]) => transactions.send(transaction)],
      ["eth_signTransaction", ([transaction]) => transactions.sign(transaction)],
      ["personal_sign", (params) => messages.personalSign(params)],
      ["eth_signTypedData", signTypedData],
      ["eth_signTypedData_v3", signTypedData],
      ["eth_signTypedData_v4", signTypedData],
      ["eth_sign", ethSign ? (params) => messages.ethSign(params) : refuseEthSign],
      ["wallet_getCapabilities", (params) => calls.capabilities(params)],
      ["wallet_sendCalls", (params) => calls.send(params)],
      ["wallet_getCallsStatus", (params) => calls.status(params)],
      ["wallet_switchEthereumChain", (params) => wallet.switchChain(params)],
      ["wallet_addEthereumChain", (params) => wallet.switchChain(params)],
      ["wallet_getPermissions", () => wallet.permissions()],
      ["wallet_requestPermissions", (params) => wallet.requestPermissions(params)],
      ["personal_unlockAccount", (params) => wallet.unlock(params)],
    ]);
  }

  async #listAccounts(): Promise<string[]> {
    const accounts = await this.#accounts.list();
    this.#knownAccounts = accounts;
    return [...accounts];
  }

  async #requestAccounts(): Promise<string[]> {
    await this.#accounts.first();
    return this.#listAccounts();
  }

  async #compareAccounts(): Promise<void> {
    const known = this.#knownAccounts;
    try {
      const accounts = await this.#listAccounts();
      if (known?.join() !== accounts.join()) this.#events.emit("accountsChanged", accounts);
    } catch {
      // The next request for the accounts gets the error.
    }
  }
}

async function refuseEthSign(): Promise<never> {
  throw new ProviderRpcError(RPC_CODES.unsupportedMethod, "eth_sign is not switched on; use personal_sign");
}

/** Reads the request once. */
function copyRequest(args: RequestArguments): { method: string; params: Params } {
  const { method, params } = readRequest(args);
  if (typeof method === "string" && method !== "" && typeof params === "object" && params !== null) {
    return { method, params: copyParams(params, "params") };
  }
  const message = "a request is an object with a method, and params that are an array or an object";
  throw new ProviderRpcError(RPC_CODES.invalidRequest, message);
}

function readRequest(args: RequestArguments): { method?: unknown; params?: unknown } {
  try {
    const { method, params = [] } = args ?? {};
    return { method, params };
  } catch {
    return {};
  }
}

function checkChain(value: bigint | number, name: string): bigint {
  const chainId = getBigInt(value, name);
  assertArgument(chainId > 0n, "a chain id is positive", name, value);
  return chainId;
}

/** What {@link createProvider} returns. Its class is internal: `export type` of a class would be a value in the bundled declarations. */
export type Eip1193Provider = AccountsProvider;
