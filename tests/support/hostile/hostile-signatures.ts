import { p256 } from "@noble/curves/nist.js";
import { schnorr } from "@noble/curves/secp256k1.js";
import { getBytes, keccak256, sha256, toBeHex, toBigInt } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import { TestKey } from "../../../src/testing/test-key.ts";
import type { Expected, HostileSignature } from "./hostile-case.ts";
import { ORDER } from "./point.ts";

type Make = HostileSignature["make"];

/** Whose signatures must never pass for the honest key's. */
export const OTHER_KEY = new TestKey(`0x${"5e".repeat(32)}`, "other");

const [MISMATCH, INVALID] = ["SIGNATURE_MISMATCH", "BACKEND_RESPONSE_INVALID"] as const;

// Beyond 1..n-1 (SEC 1 v2, section 4.1.4, step 1).
const OUT_OF_RANGE: readonly (readonly [string, bigint])[] = [
  ["0", 0n],
  ["-1", -1n],
  ["n", ORDER],
  ["n + 1", ORDER + 1n],
  ["2^256 - 1", 2n ** 256n - 1n],
  ["2^256", 2n ** 256n],
  ["2^512", 2n ** 512n],
];

const outOfRange = OUT_OF_RANGE.flatMap(([name, value]): [string, Expected, Make][] => [
  [`r = ${name}`, INVALID, (digest, honest) => ({ r: value, s: honest.sign(digest).s })],
  [`s = ${name}`, INVALID, (digest, honest) => ({ r: honest.sign(digest).r, s: value })],
]);

const table: readonly (readonly [string, Expected, Make])[] = [
  ["by another key", MISMATCH, (digest) => OTHER_KEY.sign(digest)],
  ["by the key of the mirrored point: the same x, the other y", MISMATCH, (digest, key) => mirrored(key).sign(digest)],
  ["by a P-256 key", MISMATCH, (digest) => p256Signature(digest)],
  ["of BIP-340 (Schnorr)", MISMATCH, (digest, key) => fromCompact(schnorr.sign(digest, getBytes(key.privateKey)))],
  ["over a digest that differs in one bit", MISMATCH, (digest, key) => key.sign(flipped(digest))],
  ["over the digest backwards", MISMATCH, (digest, key) => key.sign(digest.slice().reverse())],
  ["over the digest's SHA-256", MISMATCH, (digest, key) => key.sign(getBytes(sha256(digest)))],
  ["over the digest's Keccak-256", MISMATCH, (digest, key) => key.sign(getBytes(keccak256(digest)))],
  ["over 32 zero bytes", MISMATCH, (_digest, key) => key.sign(new Uint8Array(32))],
  ["with r and s swapped", MISMATCH, changed(({ r, s }) => ({ r: s, s: r }))],
  ["with n - r", MISMATCH, changed(({ r, s }) => ({ r: ORDER - r, s }))],
  ["with r + 1", MISMATCH, changed(({ r, s }) => ({ r: r + 1n, s }))],
  ["with s + 1", MISMATCH, changed(({ r, s }) => ({ r, s: s + 1n }))],
  ["with r of one signature and s of another", MISMATCH, mixed],
  ["of 1 and 1", MISMATCH, () => ({ r: 1n, s: 1n })],
  ["of n - 1 and n - 1", MISMATCH, () => ({ r: ORDER - 1n, s: ORDER - 1n })],
  ...outOfRange,
  ["with r + n, which is r modulo n", INVALID, changed(({ r, s }) => ({ r: r + ORDER, s }))],
  ["with s + n, which is s modulo n", INVALID, changed(({ r, s }) => ({ r, s: s + ORDER }))],
  ["with -s", INVALID, changed(({ r, s }) => ({ r, s: -s }))],
  // (r, s) and (r, n-s) both verify, with opposite points R: the yParity must be that of the low one.
  ["with a low s", "accepted", changed(({ r, s }) => ({ r, s: s > ORDER / 2n ? ORDER - s : s }))],
  ["with a high s", "accepted", changed(({ r, s }) => ({ r, s: s > ORDER / 2n ? s : ORDER - s }))],
  ["with R negated", "accepted", changed(({ r, s }) => ({ r, s: ORDER - s }))],
];

/**
 * Every pair of numbers that may come in place of the key's signature over a digest, and what a signer must make of it.
 *
 * One kind cannot be made for a key that is given: see `beyondOrder`.
 */
export const hostileSignatures: readonly HostileSignature[] = table.map(([name, expected, make]) => {
  return { name, expected, make };
});

function changed(change: (signature: RawSignature) => RawSignature): Make {
  return (digest, honest) => change(honest.sign(digest));
}

function mixed(digest: Uint8Array, honest: TestKey): RawSignature {
  return { r: honest.sign(digest).r, s: honest.sign(digest).s };
}

function mirrored(key: TestKey): TestKey {
  return new TestKey(toBeHex(ORDER - BigInt(key.privateKey), 32));
}

function flipped(digest: Uint8Array): Uint8Array {
  return digest.map((byte, index) => (index === 31 ? byte ^ 1 : byte));
}

function p256Signature(digest: Uint8Array): RawSignature {
  return fromCompact(p256.sign(digest, getBytes(OTHER_KEY.privateKey), { prehash: false, extraEntropy: true }));
}

function fromCompact(compact: Uint8Array): RawSignature {
  return { r: toBigInt(compact.slice(0, 32)), s: toBigInt(compact.slice(32)) };
}
