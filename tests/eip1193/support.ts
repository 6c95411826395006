import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import type { ProviderRpcError } from "../../src/eip1193/errors.ts";
import type { Eip1193Provider } from "../../src/eip1193/index.ts";
import { createProvider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { MemoryKey } from "../support/memory-key.ts";

export const KEY = id("the account of the EIP-1193 tests");
export const OTHER_KEY = id("another account of the EIP-1193 tests");
/** The same keys as the provider's, to compare with. */
export const wallet = new Wallet(KEY);
export const otherWallet = new Wallet(OTHER_KEY);
export const ADDRESS = wallet.address.toLowerCase();
export const OTHER_ADDRESS = otherWallet.address.toLowerCase();
export const FRIEND = "0x8ba1f109551bd432803012645ac136ddd64dba72";

/** A provider over a remote key and a wallet, in this order, on a chain of its own. */
export interface Fixture {
  readonly anvil: Anvil;
  readonly chain: JsonRpcProvider;
  readonly signer: RemoteSigner;
  readonly provider: Eip1193Provider;
}

export async function startFixture(): Promise<Fixture> {
  const anvil = await startAnvil();
  const chain = anvil.provider();
  for (const address of [ADDRESS, OTHER_ADDRESS]) await anvil.fund(address, parseEther("1000"));
  const signer = new RemoteSigner(new MemoryKey(KEY));
  const provider = createProvider({ accounts: [signer, otherWallet], provider: chain, ethSign: true });
  return { anvil, chain, signer, provider };
}

/** What a request that must fail rejects with. */
export async function failureOf(request: Promise<unknown>): Promise<ProviderRpcError> {
  const outcome = await request.then(
    (result) => ({ result }),
    (error: ProviderRpcError) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
}
