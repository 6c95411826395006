import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { id, recoverAddress, toBeHex, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, type SignFault } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { signerError } from "./rejection.ts";

const PRIVATE_KEY = id("verification");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");
const ORDER = secp256k1.Point.Fn.ORDER;
// The key whose public point is this one's mirror image: the same x, the other y.
const MIRRORED_KEY = toBeHex(ORDER - BigInt(PRIVATE_KEY), 32);

const signerWith = (onSign: SignFault) => new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onSign }));

describe("signatures", () => {
  test("come out canonical whatever the backend's s and parity", async () => {
    const seen = { high: 0, low: 0, parities: new Set<number>() };
    const signer = signerWith(async (honest, digest) => {
      const raw = await honest.signDigest(digest);
      seen[raw.s > ORDER / 2n ? "high" : "low"]++;
      return raw;
    });
    for (let index = 0; index < 64; index++) {
      const digest = id(`digest ${index}`);
      const signature = await signer.signDigest(digest);
      expect(BigInt(signature.s) <= ORDER / 2n).toBe(true);
      expect(recoverAddress(digest, signature)).toBe(address);
      seen.parities.add(signature.yParity);
    }
    expect(seen.high).toBeGreaterThan(0);
    expect(seen.low).toBeGreaterThan(0);
    expect(seen.parities).toEqual(new Set([0, 1]));
  });

  test("with high and with low s of the same nonce are the same signature", async () => {
    const raw = await new MemoryKey(PRIVATE_KEY).signDigest(new Uint8Array(Buffer.from(DIGEST.slice(2), "hex")));
    const answers = [raw, { r: raw.r, s: ORDER - raw.s }];
    const signer = signerWith(async () => answers.pop() ?? raw);
    const [first, second] = [await signer.signDigest(DIGEST), await signer.signDigest(DIGEST)];
    expect(first.serialized).toBe(second.serialized);
    expect(recoverAddress(DIGEST, first)).toBe(address);
  });

  test("are of nobody else's choosing: properties beside r and s do not matter", async () => {
    const signer = signerWith(async (honest, digest) => {
      const signature = { ...(await honest.signDigest(digest)), v: 99, yParity: 7, recovery: 3, networkV: 1n };
      return signature;
    });
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
  });
});

describe("a well-formed signature that is not the key's over the digest is refused", () => {
  const flip = (digest: Uint8Array) => digest.with(31, (digest[31] ?? 0) ^ 1);
  test.each<[string, SignFault]>([
    ["by another key", (_honest, digest) => new MemoryKey(id("another")).signDigest(digest)],
    ["by the key of the mirrored point", (_honest, digest) => new MemoryKey(MIRRORED_KEY).signDigest(digest)],
    ["over a digest that differs in one bit", (honest, digest) => honest.signDigest(flip(digest))],
    [
      "over the hash of the digest",
      (honest) => honest.signDigest(new Uint8Array(Buffer.from(id(DIGEST).slice(2), "hex"))),
    ],
    ["over the digest backwards", (honest, digest) => honest.signDigest(digest.slice().reverse())],
    ["with r and s swapped", async (honest, digest) => swap(await honest.signDigest(digest))],
    ["with r plus 1", async (honest, digest) => change(await honest.signDigest(digest), 1n, 0n)],
    ["with s plus 1", async (honest, digest) => change(await honest.signDigest(digest), 0n, 1n)],
    ["with r negated", async (honest, digest) => negate(await honest.signDigest(digest))],
    ["of 1 and 1", async () => ({ r: 1n, s: 1n })],
    ["of n-1 and n-1", async () => ({ r: ORDER - 1n, s: ORDER - 1n })],
  ])("%s", async (_name, onSign) => {
    const signer = signerWith(onSign);
    // Again and again: a check of one parity only would let half of them pass.
    for (let attempt = 0; attempt < 16; attempt++) {
      const error = await signerError(signer.signDigest(DIGEST), "SIGNATURE_MISMATCH");
      expect(error).toMatchObject({
        backend: "faulty",
        keyId: "faulty-key",
        operation: "signDigest",
        retryable: false,
      });
    }
  });

  test("through every method that signs", async () => {
    const signer = signerWith((_honest, digest) => new MemoryKey(id("another")).signDigest(digest));
    const calls = [
      signer.signMessage("x"),
      signer.signTransaction({}),
      signer.signTypedData({}, { A: [{ name: "x", type: "uint8" }] }, { x: 1 }),
      signer.authorize({ address, nonce: 0, chainId: 0 }),
    ];
    for (const call of calls) await signerError(call, "SIGNATURE_MISMATCH");
  });

  test("after a good one too: the key may change at any time", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    key.onSign = (_honest, digest) => new MemoryKey(id("another")).signDigest(digest);
    await signerError(signer.signDigest(DIGEST), "SIGNATURE_MISMATCH");
    key.onSign = undefined;
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
  });
});

describe("an answer that is no signature is refused", () => {
  const malformed: [string, unknown][] = [0n, -1n, ORDER, ORDER + 1n, 2n ** 256n - 1n, 2n ** 256n, 2n ** 512n].flatMap(
    (value): [string, unknown][] => [
      [`r = ${value}`, { r: value, s: 1n }],
      [`s = ${value}`, { r: 1n, s: value }],
    ],
  );
  const wrongTypes = [1, 1.5, "1", "0x01", null, undefined, new Uint8Array(32), true, Object(1n)];
  const mistyped: [string, unknown][] = wrongTypes.flatMap((value): [string, unknown][] => [
    [`r as ${typeof value} ${value}`, { r: value, s: 1n }],
    [`s as ${typeof value} ${value}`, { r: 1n, s: value }],
  ]);

  test.each<[string, unknown]>([
    ...malformed,
    ...mistyped,
    ["null", null],
    ["undefined", undefined],
    ["an empty object", {}],
    ["an array", [1n, 1n]],
    ["64 bytes", new Uint8Array(64).fill(1)],
    ["hex", `0x${"01".repeat(64)}`],
    ["a number", 5],
  ])("%s", async (_name, answer) => {
    const signer = signerWith(async () => answer as { r: bigint; s: bigint });
    const error = await signerError(signer.signDigest(DIGEST), "BACKEND_RESPONSE_INVALID");
    expect(error).toMatchObject({ backend: "faulty", keyId: "faulty-key", operation: "signDigest", retryable: false });
  });
});

describe("the digest that the backend gets", () => {
  test("is 32 bytes of its own: changing them is harmless to the signature and to the caller", async () => {
    const digest = new Uint8Array(32).fill(5);
    const signer = signerWith(async (honest, given) => {
      const raw = await honest.signDigest(given);
      given.fill(0);
      return raw;
    });
    expect(recoverAddress(new Uint8Array(32).fill(5), await signer.signDigest(digest))).toBe(address);
    expect(digest).toEqual(new Uint8Array(32).fill(5));
  });

  test("cannot be changed to have another one signed", async () => {
    const signer = signerWith((honest, given) => honest.signDigest(given.fill(0)));
    await signerError(signer.signDigest(DIGEST), "SIGNATURE_MISMATCH");
  });

  test("is exactly what was asked, without another hash", async () => {
    const given: string[] = [];
    const signer = signerWith((honest, digest) => {
      given.push(`0x${Buffer.from(digest).toString("hex")}`);
      return honest.signDigest(digest);
    });
    await signer.signDigest(DIGEST);
    expect(given).toEqual([DIGEST]);
  });
});

interface Numbers {
  readonly r: bigint;
  readonly s: bigint;
}

const swap = ({ r, s }: Numbers) => ({ r: s, s: r });
const change = ({ r, s }: Numbers, toR: bigint, toS: bigint) => ({ r: r + toR, s: s + toS });
const negate = ({ r, s }: Numbers) => ({ r: ORDER - r, s });
