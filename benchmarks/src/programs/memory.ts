import { createECDH } from "node:crypto";
import { setTimeout as turn } from "node:timers/promises";
import { getBytes, id, SigningKey, toBeHex } from "ethers";
import { type RawSignature, type RemoteKey, RemoteSigner } from "ethers-hsm";

export type MemoryPlan =
  /** So many signatures by one signer. */
  | { readonly signatures: number }
  /** So many signers of distinct keys, each of which signs a hundred times. */
  | { readonly signers: number };

/** Bytes. */
export interface MemoryUse {
  /** JavaScript's heap after a collection, and what hangs on it outside. */
  readonly heap: number;
  /** What the system counts to the process. */
  readonly resident: number;
}

export interface MemoryFigures {
  readonly before: MemoryUse;
  /** After each tenth of the work. */
  readonly tenths: readonly MemoryUse[];
}

const DIGESTS = 64;

/** Does the plan's work, and looks at the memory after each tenth of it. Needs --expose-gc. */
export async function answer(plan: MemoryPlan): Promise<MemoryFigures> {
  return "signatures" in plan ? signMuch(plan.signatures) : holdMany(plan.signers);
}

async function signMuch(signatures: number): Promise<MemoryFigures> {
  const signer = new RemoteSigner(new RememberingKey(id("the key of the memory benchmark")));
  // Compiled code and tables are there before the first look.
  for (let index = 0; index < Math.min(2_000, signatures); index += 1) await signer.signDigest(digest(index));
  return inTenths(signatures, (index) => signer.signDigest(digest(index)));
}

async function holdMany(signers: number): Promise<MemoryFigures> {
  const held: RemoteSigner[] = [];
  const figures = await inTenths(signers, async (index) => {
    const signer = new RemoteSigner(new RememberingKey(id(`key ${index}`)));
    held.push(signer);
    for (let again = 0; again < 100; again += 1) await signer.signDigest(digest(again % 2));
    // Tables are built in turns of the event loop of their own.
    await turn();
  });
  // They are in use until here.
  if (held.length !== signers) throw new Error("some signers are missing");
  return figures;
}

async function inTenths(count: number, work: (index: number) => Promise<unknown>): Promise<MemoryFigures> {
  const before = memoryUse();
  const tenths: MemoryUse[] = [];
  for (let index = 0; index < count; index += 1) {
    await work(index);
    if (Math.floor(((index + 1) * 10) / count) > tenths.length) tenths.push(memoryUse());
  }
  return { before, tenths };
}

function memoryUse(): MemoryUse {
  if (!globalThis.gc) throw new Error("node --expose-gc is needed");
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

function digest(index: number): string {
  return toBeHex((index % DIGESTS) + 1, 32);
}

/** A key in memory that computes each signature once. */
class RememberingKey implements RemoteKey {
  readonly backend = "memory";
  readonly id = "memory-key";
  readonly #key: SigningKey;
  readonly #publicKey: Uint8Array;
  readonly #answers = new Map<number, RawSignature>();

  constructor(privateKey: string) {
    this.#key = new SigningKey(privateKey);
    const ecdh = createECDH("secp256k1");
    ecdh.setPrivateKey(getBytes(privateKey));
    this.#publicKey = new Uint8Array(ecdh.getPublicKey());
  }

  async getPublicKey(): Promise<Uint8Array> {
    return this.#publicKey;
  }

  async signDigest(bytes: Uint8Array): Promise<RawSignature> {
    const last = bytes[31] ?? 0;
    const known = this.#answers.get(last);
    if (known) return known;
    const { r, s } = this.#key.sign(bytes);
    const answer = { r: BigInt(r), s: BigInt(s) };
    this.#answers.set(last, answer);
    return answer;
  }
}
