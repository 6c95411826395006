import { getBytes, id } from "ethers";
import { equalBytes } from "../../core/bytes.ts";
import { expect } from "./expectation.ts";
import type { Requirement } from "./requirement.ts";
import { requireValid, signAndVerify } from "./verify.ts";

/** As many as may be under way at once. */
const PARALLEL = 25;

/** A digest of 32 bytes that no other number has. */
export function digestOf(index: number): Uint8Array {
  return getBytes(id(`digest ${index} of the contract`));
}

/** What is signed, and by whom. */
export const signatureCases: Readonly<Record<string, Requirement>> = {
  "a signature is r and s as bigints in 1..n-1, by the public key over the digest": async (key) => {
    for (let index = 0; index < 8; index += 1) await signAndVerify(key, digestOf(index));
  },

  "any 32 bytes are a digest: zeros, and numbers of n and above": async (key) => {
    for (const byte of [0x00, 0x01, 0x80, 0xff]) await signAndVerify(key, new Uint8Array(32).fill(byte));
  },

  "a digest may be a part of a longer buffer": async (key) => {
    const buffer = new Uint8Array(96).fill(7);
    buffer.set(digestOf(1), 32);
    await signAndVerify(key, buffer.subarray(32, 64));
  },

  "the digest's bytes stay as they are": async (key) => {
    const digest = digestOf(2);
    await key.signDigest(digest);
    expect(equalBytes(digest, digestOf(2)), "signDigest changed the digest that it was given");
  },

  "a digest of any other length is ethers' INVALID_ARGUMENT, and the next call works": async (key) => {
    for (const length of [0, 1, 20, 31, 33, 64]) {
      const outcome = await Promise.resolve()
        .then(() => key.signDigest(new Uint8Array(length).fill(1)))
        .then(
          () => undefined,
          (reason: unknown) => ({ reason }),
        );
      expect(outcome !== undefined, `${length} bytes were signed; exactly 32 are a digest`);
      const { code } = (outcome.reason ?? {}) as { code?: unknown };
      const message = `${length} bytes must be refused with ethers' INVALID_ARGUMENT, not with ${String(code)}`;
      expect(code === "INVALID_ARGUMENT", message, outcome.reason);
    }
    await signAndVerify(key, digestOf(3));
  },

  "the first calls of all may come at once": async (key) => {
    const publicKeys = key.getPublicKey();
    const signatures = [4, 5].map((index) => key.signDigest(digestOf(index)));
    const publicKey = await publicKeys;
    for (const [index, signature] of (await Promise.all(signatures)).entries()) {
      requireValid(publicKey, digestOf(index + 4), signature);
    }
  },

  "parallel calls each get the signature over their own digest": async (key) => {
    const publicKey = await key.getPublicKey();
    const digests = Array.from({ length: PARALLEL }, (_, index) => digestOf(100 + index));
    const signatures = await Promise.all(digests.map((digest) => key.signDigest(digest)));
    for (const [index, signature] of signatures.entries()) {
      requireValid(publicKey, digestOf(100 + index), signature);
    }
  },
};
