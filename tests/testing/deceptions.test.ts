import { expect, test } from "@jest/globals";
import { id } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import { toLowS } from "../../src/core/signature.ts";
import { verifySignature } from "../../src/core/verify.ts";
import { HostileKey, hostileAnswers, notSignatures } from "../support/hostile/index.ts";

const PRIVATE_KEY = id("an honest key");
const honest = new TestKey(PRIVATE_KEY);
const digest = new Uint8Array(32).fill(5);
const right = honest.sign(digest);

/** What the backend answers in place of a signature. */
function answer(name: string): unknown {
  const [, , make] = notSignatures.find(([each]) => each === name) ?? [];
  return make?.(right);
}

/** The honest key's backend, once it fails. */
function turned(name: string): HostileKey {
  const found = hostileAnswers.find((each) => each.name === name);
  if (!found) throw new Error(`there is no answer that ${name}`);
  const key = new HostileKey(PRIVATE_KEY);
  key.turn(found);
  return key;
}

// A kit that deceives no one proves nothing: a careless reader is shown to be deceived.
test("numbers that are none become the right ones where they are converted", () => {
  const { r } = answer("r as an object that turns into it") as { r: object };
  expect(`${r}`).toBe(`${right.r}`);
  expect(r.valueOf()).toBe(right.r);
  expect((answer("a function") as () => unknown)()).toEqual(right);
});

test("numbers that change are right at the first look only", () => {
  const signature = answer("r and s that are others once they were read") as typeof right;
  expect([signature.r, signature.s]).toEqual([right.r, right.s]);
  expect([signature.r, signature.s]).toEqual([1n, 1n]);
});

test("a public key that changes is the right one at the first call only", async () => {
  const key = turned("tells another public key from the second time on");
  expect(await key.getPublicKey()).toEqual(honest.publicKey);
  expect(await key.getPublicKey()).not.toEqual(honest.publicKey);
  expect([0, 1]).toContain(verifySignature(honest.publicKey, digest, toLowS(await key.signDigest(digest))));
});

test("another key that is told is consistent in itself: its signatures are good, and its own", async () => {
  const key = turned("holds another key, and tells it");
  const publicKey = await key.getPublicKey();
  expect(publicKey).not.toEqual(honest.publicKey);
  expect([0, 1]).toContain(verifySignature(publicKey, digest, toLowS(await key.signDigest(digest))));
});
