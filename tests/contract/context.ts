import type { JsonRpcProvider, Provider, Signer } from "ethers";
import { id, parseEther, Wallet, ZeroAddress } from "ethers";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { deployEns, type Ens } from "../support/ens.ts";
import { pointEvaluation } from "../support/kzg.ts";

/** What a backend brings to the suite. */
export interface SignerHarness {
  /** A signer whose backend holds this private key. The suite asks for few keys, and for the same one several times. */
  create(privateKey: string, provider: null | Provider): Promise<Signer>;
  close?(): Promise<void>;
}

/** The signer under test, and the yardstick: ethers' own wallet with the same key. */
export interface Pair {
  readonly signer: Signer;
  readonly wallet: Wallet;
}

export interface ContractContext {
  readonly anvil: Anvil;
  readonly ens: Ens;
  /** Resolves the names in {@link NAMES}. */
  readonly provider: JsonRpcProvider;
  /** The key of both pairs, funded on the chain. */
  readonly privateKey: string;
  readonly address: string;
  readonly offline: Pair;
  readonly online: Pair;
  /** A pair with another provider, or with another key. */
  pair(provider: null | Provider, privateKey?: string): Promise<Pair>;
  close(): Promise<void>;
}

/** Topics get their context late: it exists once `beforeAll` ran. */
export type Context = () => ContractContext;

export const OTHER_PRIVATE_KEY = id("a key of another account");
export const OTHER = new Wallet(OTHER_PRIVATE_KEY).address;
export const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

/** Registered without an address · not registered at all · registered for the account, for a friend, for another account. */
export const NAMES = {
  empty: "empty.eth",
  unknown: "unknown.eth",
  account: "account.eth",
  friend: "friend.eth",
  other: "other.eth",
} as const;

async function registerNames(ens: Ens, address: string): Promise<void> {
  await ens.register(NAMES.empty, ZeroAddress);
  await ens.register(NAMES.account, address);
  await ens.register(NAMES.friend, FRIEND);
  await ens.register(NAMES.other, OTHER);
}

interface Chain {
  readonly anvil: Anvil;
  readonly ens: Ens;
}

let opened: Promise<Chain> | undefined;

async function openChain(address: string): Promise<Chain> {
  const anvil = await startAnvil();
  try {
    const ens = await deployEns(anvil);
    await registerNames(ens, address);
    await anvil.fund(address, parseEther("1000"));
    return { anvil, ens };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

/** Ends the node that the contexts of a test file share. */
export async function stopChain(): Promise<void> {
  await (await opened)?.anvil.stop();
}

/** The contexts of a test file come one after the other. Each begins with the same state of the chain. */
export async function createContext(setup: () => Promise<SignerHarness>): Promise<ContractContext> {
  const privateKey = id("the account of the contract suite");
  const { address } = new Wallet(privateKey);
  opened ??= openChain(address);
  const { anvil, ens } = await opened;
  const provider = anvil.provider(ens.network, 0);
  const beginning = await provider.send("evm_snapshot", []);
  let harness: SignerHarness | undefined;
  let firstProof: Promise<unknown> = Promise.resolve();
  const close = async () => {
    await firstProof;
    await harness?.close?.();
    await provider.send("evm_revert", [beginning]);
  };
  try {
    harness = await setup();
    const { create } = harness;
    const pair = async (to: null | Provider, key = privateKey): Promise<Pair> => {
      return { signer: await create(key, to), wallet: new Wallet(key, to) };
    };
    // The node loads KZG's trusted setup for the first proof that it checks, and answers nothing else for 4 seconds. Offline
    // tests run meanwhile. Should it fail, the tests that send blobs do.
    firstProof = provider.call(pointEvaluation(2n)).catch(() => {});
    const [offline, online] = [await pair(null), await pair(provider)];
    return { anvil, ens, provider, privateKey, address, offline, online, pair, close };
  } catch (error) {
    await close();
    throw error;
  }
}
