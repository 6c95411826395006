import { assertArgument, type JsonRpcApiProvider, type Signer } from "ethers";
import type { AccountSource } from "./account-source.ts";
import { Eip1193Upstream } from "./eip1193-upstream.ts";
import { EthersUpstream } from "./ethers-upstream.ts";
import { AccountsProvider } from "./provider.ts";
import type { Upstream, UpstreamProvider } from "./upstream.ts";

/** What {@link createProvider} gives: EIP-1193's `request`, and its events. */
export type HsmProvider = Pick<AccountsProvider, keyof AccountsProvider>;

/** What a provider is made of. */
export interface ProviderOptions {
  /** The accounts: ethers signers, or an AccountDirectory, whose changes become `accountsChanged`. */
  readonly accounts: readonly Signer[] | AccountSource;
  /** The way to the chain: an ethers JsonRpcProvider or WebSocketProvider, or another EIP-1193 provider. */
  readonly provider: UpstreamProvider;
  /** Whether eth_sign is answered. It signs as personal_sign does. Default: false. */
  readonly ethSign?: boolean | undefined;
}

/**
 * An EIP-1193 provider over accounts whose keys live elsewhere: for ethers' BrowserProvider, viem's `custom`, web3.js, and
 * everything else that takes one. Does no I/O.
 *
 * Make one for an account and a chain, and share it: two providers do not know of each other's nonces.
 *
 * @throws ethers' INVALID_ARGUMENT where accounts or provider are none.
 */
export function createProvider(options: ProviderOptions): HsmProvider {
  const { accounts, provider, ethSign = false } = options;
  return new AccountsProvider(accounts, upstreamOf(provider), ethSign);
}

function upstreamOf(provider: UpstreamProvider): Upstream {
  if (isEthersProvider(provider)) return new EthersUpstream(provider);
  const usable = typeof provider?.request === "function";
  // The provider itself stays out of the message: its URL may hold the key to a service.
  const message = "provider must be a JSON-RPC provider of ethers or an EIP-1193 provider";
  assertArgument(usable, message, "provider", "[REDACTED]");
  return new Eip1193Upstream(provider);
}

// Not instanceof: an application may hold several copies of ethers.
function isEthersProvider(provider: UpstreamProvider): provider is JsonRpcApiProvider {
  const { send, getFeeData } = (provider ?? {}) as Partial<JsonRpcApiProvider>;
  return typeof send === "function" && typeof getFeeData === "function";
}
