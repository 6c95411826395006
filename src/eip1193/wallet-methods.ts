import type { Accounts } from "./accounts.ts";
import { invalidParams, ProviderRpcError, RPC_CODES } from "./errors.ts";
import { parseAddress, parseObject, parseQuantity } from "./rpc-params.ts";
import type { Upstream } from "./upstream.ts";

/** A permission as EIP-2255 describes it: the accounts that the application sees. */
interface Permission {
  readonly parentCapability: "eth_accounts";
  /** EIP-2255 wants the origin of a web page; the application is this process. */
  readonly invoker: "localhost";
  readonly caveats: readonly { readonly type: "restrictReturnedAccounts"; readonly value: readonly string[] }[];
}

/** The methods by which wallets describe themselves: which chain and which accounts an application has. */
export class WalletMethods {
  readonly #upstream: Upstream;
  readonly #accounts: Accounts;

  constructor(upstream: Upstream, accounts: Accounts) {
    this.#upstream = upstream;
    this.#accounts = accounts;
  }

  /** wallet_switchEthereumChain (EIP-3326), wallet_addEthereumChain (EIP-3085) [{ chainId }]: null for the current chain. */
  async switchChain([parameter]: readonly unknown[]): Promise<null> {
    const wanted = parseQuantity(parseObject(parameter, "the chain")["chainId"], "chainId");
    const current = await this.#upstream.chainId();
    if (wanted === current) return null;
    const message = `the provider is on chain ${current} only: create another one over a node of chain ${wanted}`;
    throw new ProviderRpcError(RPC_CODES.unrecognizedChain, message);
  }

  /** wallet_getPermissions (EIP-2255): the provider's accounts, always. */
  async permissions(): Promise<readonly Permission[]> {
    const value = await this.#accounts.list();
    if (value.length === 0) return [];
    const caveats = [{ type: "restrictReturnedAccounts", value }] as const;
    return [{ parentCapability: "eth_accounts", invoker: "localhost", caveats }];
  }

  /** wallet_requestPermissions [{ eth_accounts: {} }] (EIP-2255): no other permission exists. */
  async requestPermissions([parameter]: readonly unknown[]): Promise<readonly Permission[]> {
    const names = Object.keys(parseObject(parameter, "the permissions"));
    const unknown = names.find((name) => name !== "eth_accounts");
    if (unknown !== undefined) throw invalidParams(`the only permission is eth_accounts, not ${unknown}`);
    await this.#accounts.first();
    return this.permissions();
  }

  /** personal_unlockAccount [address, password?, duration?]: the accounts are never locked; the password is ignored. */
  async unlock([address]: readonly unknown[]): Promise<true> {
    await this.#accounts.signer(parseAddress(address, "the address"));
    return true;
  }
}

/** geth's other methods for a node's keys have passwords and private keys among their parameters. */
export function isForNodeKeys(method: string): boolean {
  return method.startsWith("personal_") && method !== "personal_ecRecover";
}

/** Keeps a password or a private key from the node. */
export async function refuseNodeKeys(): Promise<never> {
  const message =
    "methods for keys of the node are not passed on: use eth_sendTransaction, eth_signTransaction or personal_sign";
  throw new ProviderRpcError(RPC_CODES.unsupportedMethod, message);
}
