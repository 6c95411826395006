import { setImmediate as turn } from "node:timers/promises";
import { getBytes, id, SigningKey } from "ethers";
import type { RawSignature, Verifier } from "ethers-hsm";
import { nativeVerifier } from "ethers-hsm/secp256k1";
import { verifySignature } from "../../../src/core/verify.ts";
import { alternate } from "../alternate.ts";
import { median } from "../statistics.ts";

export interface VerificationPlan {
  readonly rounds: number;
  readonly count: number;
  /** Verifications for one key, one in each turn of the event loop, after which it is warm. */
  readonly warmUp: number;
}

/** Milliseconds. */
export interface VerificationFigures {
  /** `SigningKey.sign` of ethers. */
  readonly sign: number;
  /** For a key that was never seen before, in a process that verifies all the time. */
  readonly unknownKey: number;
  /** For a key that signs again and again. */
  readonly knownKey: number;
  /** By libsecp256k1, for any key. */
  readonly native: number;
  /** How many verifications came before the quick ones, from the first of the process on. */
  readonly callsUntilWarm: number;
  /** What these took on top of as many quick ones: tables, and the compiler. */
  readonly warmUpCost: number;
  /** The longest that the event loop stood still meanwhile, the verification in that turn included. */
  readonly longestHold: number;
}

interface Signed {
  readonly publicKey: Uint8Array;
  readonly digest: Uint8Array;
  readonly signature: RawSignature;
}

const VARIANTS = 32;

/** Watches a fresh process grow warm, then times verification beside `SigningKey.sign`. */
export async function answer({ rounds, count, warmUp }: VerificationPlan): Promise<VerificationFigures> {
  const key = new SigningKey(id("the key of the verification benchmark"));
  const signed = Array.from({ length: VARIANTS }, (_, index) => sign(key, index));
  const warming = await watch(signed, warmUp);
  const native = nativeVerifier();
  const unknown = Array.from({ length: (rounds + 1) * count }, (_, index) =>
    sign(new SigningKey(id(`key ${index}`)), index),
  );
  let next = 0;
  const times = await alternate(
    [
      { name: "sign", perform: (index) => key.sign(signed[index % VARIANTS]?.digest ?? "0x") },
      { name: "known", perform: (index) => verify(signed[index % VARIANTS]) },
      { name: "unknown", perform: () => verify(unknown[next++]) },
      { name: "native", perform: (index) => verify(signed[index % VARIANTS], native) },
    ],
    { rounds, count, warmUp: count },
  );
  const time = (name: string) => times.get(name) ?? Number.NaN;
  return {
    sign: time("sign"),
    knownKey: time("known"),
    unknownKey: time("unknown"),
    native: time("native"),
    ...warming,
  };
}

async function watch(signed: readonly Signed[], calls: number) {
  const turns: number[] = [];
  for (let index = 0; index < calls; index += 1) {
    const started = performance.now();
    verify(signed[index % VARIANTS]);
    // Whatever is put off to a later turn belongs to this one.
    await turn();
    turns.push(performance.now() - started);
  }
  const warm = median(turns.slice(-Math.ceil(calls / 4)));
  const callsUntilWarm = turns.findIndex((_, index) => median(turns.slice(index, index + 20)) < 1.2 * warm);
  const warmUpCost = turns.slice(0, callsUntilWarm).reduce((sum, each) => sum + each - warm, 0);
  return { callsUntilWarm, warmUpCost, longestHold: Math.max(...turns) };
}

// A verifier knows a key by the array that holds it.
const publicKeys = new Map<string, Uint8Array>();

function sign(key: SigningKey, index: number): Signed {
  const publicKey = publicKeys.get(key.publicKey) ?? getBytes(key.publicKey);
  publicKeys.set(key.publicKey, publicKey);
  const digest = getBytes(id(`digest ${index}`));
  const { r, s } = key.sign(digest);
  return { publicKey, digest, signature: { r: BigInt(r), s: BigInt(s) } };
}

function verify(signed: Signed | undefined, verifier: Verifier = verifySignature): void {
  if (!signed) throw new Error("there is nothing left to verify");
  if (verifier(signed.publicKey, signed.digest, signed.signature) === undefined) throw new Error("it does not verify");
}
