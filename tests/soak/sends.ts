import { hexlify, type JsonRpcProvider, randomBytes, toBeHex, toQuantity } from "ethers";
import type { RemoteSigner } from "ethers-hsm";
import type { Eip1193Provider } from "ethers-hsm/eip1193";
import type { Backend } from "./backend.ts";

/** An account that sends. */
export type Sender = Pick<Backend, "address" | "signer">;

/** What its caller was told of one eth_sendTransaction. */
export interface Send {
  /** In its data and nowhere else. */
  readonly marker: string;
  readonly from: string;
  readonly value: bigint;
  /** The hash that the caller was given; or the one that may be on the chain all the same. */
  readonly hash: string | undefined;
  readonly told: "sent" | "unknown" | "failed";
}

const FEE = 10n ** 11n;
/** Its key is unknown. */
export const SINK = "0x000000000000000000000000000000000000ba5e";
const CODE = "0x8ba1f109551bd432803012645ac136ddd64dba72";

/** Sends of the backends' accounts through one EIP-1193 provider, each with a marker by which the chain can be searched. */
export class Sends {
  readonly #provider: Eip1193Provider;
  readonly #chainId: bigint;
  #open: Send[] = [];

  constructor(provider: Eip1193Provider, chainId: bigint) {
    this.#provider = provider;
    this.#chainId = chainId;
  }

  /** Those that were not looked up yet; it forgets them. */
  take(): readonly Send[] {
    const taken = this.#open;
    this.#open = [];
    return taken;
  }

  /** @throws what the caller was told. */
  async send({ address, signer }: Sender, type: number): Promise<void> {
    const marker = hexlify(randomBytes(16));
    const value = BigInt(Math.floor(Math.random() * 1_000_000));
    const from = address.toLowerCase();
    const note = (told: Send["told"], hash?: string) => this.#open.push({ marker, from, value, told, hash });
    try {
      const rest = await this.#fields(type, signer);
      const request = { from, to: SINK, value: toQuantity(value), data: marker, type: toQuantity(type), ...rest };
      const hash = await this.#provider.request({ method: "eth_sendTransaction", params: [request] });
      note("sent", String(hash));
    } catch (error) {
      const { data } = error as { data?: { transactionHash?: string } };
      note(data?.transactionHash === undefined ? "failed" : "unknown", data?.transactionHash);
      throw error;
    }
  }

  async #fields(type: number, signer: RemoteSigner): Promise<Record<string, unknown>> {
    const fees = { maxFeePerGas: toQuantity(FEE), maxPriorityFeePerGas: "0x1" };
    if (type === 0) return { gasPrice: toQuantity(FEE) };
    if (type === 1)
      return { gasPrice: toQuantity(FEE), accessList: [{ address: SINK, storageKeys: [toBeHex(1, 32)] }] };
    if (type === 2) return fees;
    // Of a nonce that the account never reaches: the chain passes over it, and the account's nonces stay those of its sends.
    const authorization = await signer.authorize({ address: CODE, nonce: 2 ** 40, chainId: this.#chainId });
    const { signature, address, nonce, chainId } = authorization;
    const numbers = { r: toQuantity(signature.r), s: toQuantity(signature.s), yParity: toQuantity(signature.yParity) };
    const tuple = { address, nonce: toQuantity(nonce), chainId: toQuantity(chainId), ...numbers };
    return { ...fees, authorizationList: [tuple] };
  }
}

export interface MinedTransaction {
  readonly hash: string;
  readonly from: string;
  readonly nonce: string;
  readonly input: string;
  readonly value: string;
}

/** The node's own account of one of its accounts. */
export async function countOf(chain: JsonRpcProvider, address: string, tag: "latest" | "pending"): Promise<number> {
  return Number(await chain.send("eth_getTransactionCount", [address, tag]));
}
