import { inspect } from "node:util";
import { describe, expect, jest, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Addressable, TransactionRequest } from "ethers";
import { getBytes, id, makeError, recoverAddress, toBeHex, Wallet } from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import { type Verifier, verifySignature } from "../../src/core/verify.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, type SignFault } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { rejection, signerError, turn } from "./rejection.ts";

const PRIVATE_KEY = id("responses");
const { address, signingKey } = new Wallet(PRIVATE_KEY);
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
    const responses = [raw, { r: raw.r, s: ORDER - raw.s }];
    const signer = signerWith(async () => responses.pop() ?? raw);
    const [first, second] = [await signer.signDigest(DIGEST), await signer.signDigest(DIGEST)];
    expect(first.serialized).toBe(second.serialized);
    expect(recoverAddress(DIGEST, first)).toBe(address);
  });

  test("do not depend on what the backend returns besides r and s", async () => {
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
      // What happened, and what to look at: the two usual reasons.
      expect(error.message).toMatch(/not by the expected key over the requested digest.*not changed.*without hashing/s);
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

describe("a response that is not a signature is refused", () => {
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
  ])("%s", async (_name, response) => {
    const signer = signerWith(async () => response as { r: bigint; s: bigint });
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

describe("the verifier option", () => {
  const publicKey = getBytes(signingKey.publicKey);

  test("verifies each signature in place of the built-in one, with the public key, the digest and the low s", async () => {
    const calls: Parameters<Verifier>[] = [];
    const verifier: Verifier = (...call) => {
      calls.push(call);
      return verifySignature(...call);
    };
    const raw = await new MemoryKey(PRIVATE_KEY).signDigest(getBytes(DIGEST));
    const high = raw.s > ORDER / 2n ? raw : { r: raw.r, s: ORDER - raw.s };
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onSign: async () => high }), null, { verifier });
    for (let count = 0; count < 2; count++) {
      expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    }
    expect(calls).toEqual(Array(2).fill([publicKey, getBytes(DIGEST), { r: high.r, s: ORDER - high.s }]));
    // One object for one account, so that a verifier can keep what it made of it.
    expect(calls[0]?.[0]).toBe(calls[1]?.[0]);
    expect(calls[0]?.[0].constructor).toBe(Uint8Array);
  });

  test("decides the parity", async () => {
    for (const yParity of [0, 1] as const) {
      const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { verifier: () => yParity });
      expect((await signer.signDigest(DIGEST)).yParity).toBe(yParity);
    }
  });

  test.each([undefined, null, true, false, 27, 28, -1, 2, "0", "1", 0n, 1n, {}, Promise.resolve(1)])(
    "%p is SIGNATURE_MISMATCH, and invalidates the key",
    async (result) => {
      const key = Object.assign(new MemoryKey(PRIVATE_KEY), { invalidate: jest.fn() });
      const signer = new RemoteSigner(key, null, { verifier: () => result as undefined });
      const error = await signerError(signer.signDigest(DIGEST), "SIGNATURE_MISMATCH");
      expect(error).toMatchObject({ backend: "memory", operation: "signDigest" });
      expect(key.invalidate).toHaveBeenCalledTimes(1);
    },
  );

  test("that throws gives no signature: its error is the cause, unless it is a SignerError", async () => {
    const thrown = new RangeError("the verifier's own");
    const signer = (error: unknown) =>
      new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, {
        verifier: () => {
          throw error;
        },
      });
    expect((await signerError(signer(thrown).signDigest(DIGEST), "BACKEND_UNAVAILABLE")).cause).toBe(thrown);
    await signerError(
      signer(new SignerError("BACKEND_RESPONSE_INVALID", "x >= n")).signDigest(DIGEST),
      "BACKEND_RESPONSE_INVALID",
    );
  });

  test("does not see what the range check refuses", async () => {
    const verifier = jest.fn<Verifier>(() => 0);
    const key = new FaultyKey(PRIVATE_KEY, { onSign: async () => ({ r: 1n, s: ORDER }) });
    await signerError(new RemoteSigner(key, null, { verifier }).signDigest(DIGEST), "BACKEND_RESPONSE_INVALID");
    expect(verifier).not.toHaveBeenCalled();
  });

  test.each([null, "noble", {}, true])("%p is refused at construction", (verifier) => {
    const construct = () => new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { verifier: verifier as never });
    expect(construct).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "verifier" }));
  });

  test("is shared by copies of the signer, and verifies every replica of a FailoverKey", async () => {
    const verifier = jest.fn<Verifier>(verifySignature);
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { verifier });
    await signer.connect(null).signDigest(DIGEST);
    await new RemoteSigner(signer).signDigest(DIGEST);
    expect(verifier).toHaveBeenCalledTimes(2);
    const failing = new FaultyKey(PRIVATE_KEY, { onSign: (honest) => honest.signDigest(new Uint8Array(32)) });
    const key = new FailoverKey([failing, new MemoryKey(PRIVATE_KEY)], { expectedAddress: address, verifier });
    expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(address);
    expect(verifier.mock.results.slice(2).map(({ value }) => typeof value)).toEqual(["undefined", "number"]);
  });
});

const failing = (error: unknown) =>
  new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onSign: () => Promise.reject(error) }));
const unreachable = (error: unknown) =>
  new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(error) }));

describe("an error that a key throws", () => {
  test("of its own becomes BACKEND_UNAVAILABLE, with the original as cause", async () => {
    const original = new RangeError("socket hang up");
    const context = { backend: "faulty", keyId: "faulty-key" };
    const signing = await signerError(failing(original).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(signing).toMatchObject({ ...context, operation: "signDigest" });
    expect(signing.cause).toBe(original);
    const fetching = await signerError(unreachable(original).getAddress(), "BACKEND_UNAVAILABLE");
    expect(fetching).toMatchObject({ ...context, operation: "getPublicKey" });
    expect(fetching.cause).toBe(original);
  });

  test("of its own keeps its text out of the message and of JSON", async () => {
    const error = await signerError(
      failing(new Error("C_Login with pin 4711")).signDigest(DIGEST),
      "BACKEND_UNAVAILABLE",
    );
    expect(error.message).not.toContain("4711");
    expect(JSON.stringify(error)).not.toContain("4711");
  });

  test.each<[string, unknown]>([
    ["a string", "down"],
    ["a number", 503],
    ["a bigint", 5n],
    ["a symbol", Symbol("down")],
    ["null", null],
    ["undefined", undefined],
    ["a function", () => "down"],
    ["an object", { code: "ECONNRESET" }],
    ["an object with a code of SignerErrors", { code: "SIGNATURE_MISMATCH" }],
    ["a frozen object", Object.freeze({ code: "ECONNRESET" })],
    ["a frozen error", Object.freeze(new Error("frozen"))],
    ["an object without a prototype", Object.create(null)],
    ["an AbortError, though the caller aborted nothing", new DOMException("aborted", "AbortError")],
  ])("%s is the cause of BACKEND_UNAVAILABLE", async (_name, thrown) => {
    const error = await signerError(failing(thrown).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(error).toMatchObject({ backend: "faulty", operation: "signDigest", retryable: false });
    expect(error.cause).toBe(thrown);
    expect(inspect(error)).toContain(error.message);
    expect(JSON.stringify(error)).not.toContain("down");
  });

  test("before it returns a promise is treated alike", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const original = new TypeError("no such function");
    const throwAtOnce = () => {
      throw original;
    };
    const broken = { backend: "broken", id: "key", getPublicKey: throwAtOnce, signDigest: throwAtOnce };
    expect((await signerError(new RemoteSigner(broken).getAddress(), "BACKEND_UNAVAILABLE")).cause).toBe(original);
    key.onSign = throwAtOnce;
    expect((await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE")).cause).toBe(original);
  });

  test("as SignerError keeps everything and gains what it lacks", async () => {
    const cause = new Error("the vendor's");
    const original = new SignerError("THROTTLED", "slow down", { requestId: "r-1", info: { limit: 10 }, cause });
    const error = await signerError(failing(original).signDigest(DIGEST), "THROTTLED");
    expect(error).toMatchObject({
      message: "slow down",
      retryable: true,
      requestId: "r-1",
      info: { limit: 10 },
      backend: "faulty",
      keyId: "faulty-key",
      operation: "signDigest",
    });
    expect(error.cause).toBe(cause);
    expect(error.stack).toBe(original.stack);
  });

  test("as SignerError keeps the place that it names", async () => {
    const place = { backend: "token", keyId: "07", operation: "C_Sign", retryable: true };
    const original = new SignerError("ACCESS_DENIED", "not logged in", place);
    expect(await signerError(failing(original).signDigest(DIGEST), "ACCESS_DENIED")).toMatchObject(place);
    expect(await signerError(unreachable(original).getAddress(), "ACCESS_DENIED")).toMatchObject(place);
  });

  test("as error of ethers passes through", async () => {
    const original = makeError("bad option", "INVALID_ARGUMENT", { argument: "slot", value: 7 });
    expect(await rejection(failing(original).signDigest(DIGEST))).toBe(original);
    expect(await rejection(unreachable(original).signMessage("x"))).toBe(original);
  });

  test("ends one call only", async () => {
    let calls = 0;
    const key = new FaultyKey(PRIVATE_KEY, {
      onSign: (honest, digest) => (calls++ ? honest.signDigest(digest) : Promise.reject(new Error("once"))),
    });
    const signer = new RemoteSigner(key);
    await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
  });
});

describe("two faults in one request", () => {
  const unresolvable: Addressable = { getAddress: () => Promise.reject(new Error("no address today")) };
  const misspelt = address.replace(/[a-f]/, (letter) => letter.toUpperCase());

  test.each<[string, TransactionRequest]>([
    ["both addresses fail to resolve", { to: unresolvable, from: unresolvable }],
    ["a name without a provider, and a misspelt sender", { to: "friend.eth", from: misspelt }],
    ["an unresolvable recipient, and a misspelt sender", { to: unresolvable, from: misspelt }],
  ])("give one error and leave no rejection unhandled: %s", async (_name, request) => {
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY));
    expect(await rejection(signer.signTransaction(request))).toBeInstanceOf(Error);
    // The test runner fails a test during which a rejection was left unhandled.
    await turn();
  });
});

interface Numbers {
  readonly r: bigint;
  readonly s: bigint;
}

const swap = ({ r, s }: Numbers) => ({ r: s, s: r });
const change = ({ r, s }: Numbers, toR: bigint, toS: bigint) => ({ r: r + toR, s: s + toS });
const negate = ({ r, s }: Numbers) => ({ r: ORDER - r, s });
