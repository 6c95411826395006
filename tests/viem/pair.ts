import { expect } from "@jest/globals";
import { getBytes, hexlify, id, SigningKey } from "ethers";
import type { Hex } from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import type { RawSignature } from "../../src/core/signature.ts";
import type { RemoteKey } from "../../src/signer/remote-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type RemoteViemAccount, toViemAccount } from "../../src/viem/index.ts";

/** A hex string of ethers as viem types it. */
export const hex = (text: string): Hex => text as Hex;

export const PRIVATE_KEY = hex(id("the account of viem's tests"));
export const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

/** A key whose nonces follow from the digest (RFC 6979), as viem's do: its signatures can be compared byte for byte. */
class DeterministicKey implements RemoteKey {
  readonly backend = "memory";
  readonly id = "deterministic-key";
  /** The digests that it was asked to sign. */
  readonly digests: string[] = [];
  readonly #key: SigningKey;

  constructor(privateKey: string) {
    this.#key = new SigningKey(privateKey);
  }

  async getPublicKey(): Promise<Uint8Array> {
    return getBytes(this.#key.publicKey);
  }

  async signDigest(digest: Uint8Array): Promise<RawSignature> {
    this.digests.push(hexlify(digest));
    const { r, s } = this.#key.sign(digest);
    return { r: BigInt(r), s: BigInt(s) };
  }
}

/** The account under test, the key behind it, and the yardstick: viem's own account with the same private key. */
export interface Pair {
  readonly key: DeterministicKey;
  readonly remote: RemoteViemAccount;
  readonly local: PrivateKeyAccount;
}

export async function createPair(privateKey = PRIVATE_KEY): Promise<Pair> {
  const key = new DeterministicKey(privateKey);
  return { key, remote: await toViemAccount(new RemoteSigner(key)), local: privateKeyToAccount(privateKey) };
}

/** What both kinds of account can be asked. */
export type Account = RemoteViemAccount | PrivateKeyAccount;

/** Both answer the same, and the key was asked once. Returns the answer. */
export async function expectSame<T>(pair: Pair, ask: (account: Account) => Promise<T>): Promise<T> {
  const before = pair.key.digests.length;
  const [actual, control] = [await ask(pair.remote), await ask(pair.local)];
  expect(actual).toEqual(control);
  expect(pair.key.digests).toHaveLength(before + 1);
  return actual;
}

interface Failure {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly shortMessage?: unknown;
  readonly code?: unknown;
}

export async function failureOf(action: () => Promise<unknown>): Promise<Failure> {
  // A method must reject, never throw at the call.
  const promise = action();
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: Failure) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`should have failed, but gave ${String(outcome.value)}`);
  const { name, message, shortMessage, code } = outcome.error;
  return { name, message, shortMessage, code };
}

/** Both fail the same, and that is as `expected`; nothing was signed. */
export async function expectSameFailure(
  pair: Pair,
  ask: (account: Account) => Promise<unknown>,
  expected: Failure,
): Promise<void> {
  const before = pair.key.digests.length;
  const [actual, control] = [await failureOf(() => ask(pair.remote)), await failureOf(() => ask(pair.local))];
  expect(control).toMatchObject(expected);
  expect(actual).toEqual(control);
  expect(pair.key.digests).toHaveLength(before);
}
