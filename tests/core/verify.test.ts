import { createPublicKey, verify as verifyByOpenSsl } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { computeAddress, getBytes, hexlify, id, recoverAddress, Signature, SigningKey, sha256, toBeHex } from "ethers";
import fc from "fast-check";
import { type RawSignature, signatureToDer, toLowS } from "../../src/core/signature.ts";
import { verifySignature } from "../../src/core/verify.ts";
import { cases } from "../support/cases.ts";
import { beyondOrder, spkiOf } from "../support/hostile/index.ts";
import { ORDER, Point, refused, scalar } from "./support.ts";

const { Fn } = Point;
const digestOf = (value: bigint) => getBytes(toBeHex(value, 32));
const anyDigest = () => fc.uint8Array({ minLength: 32, maxLength: 32 });
const publicKeyOf = (privateKey: bigint) => Point.BASE.multiply(privateKey).toBytes(false);
const opposite = ({ r, s }: RawSignature): RawSignature => ({ r, s: ORDER - s });

/** An ECDSA signature with a chosen nonce k, by the textbook: s may be high. */
function sign(privateKey: bigint, digest: Uint8Array, k: bigint): RawSignature {
  const r = Fn.create(Point.BASE.multiply(k).x);
  const s = Fn.mul(Fn.inv(k), Fn.create(BigInt(hexlify(digest)) + r * privateKey));
  return { r, s };
}

/** Whether the signature with this yParity recovers the key's address, by ethers. */
function recovers(publicKey: Uint8Array, digest: Uint8Array, { r, s }: RawSignature, yParity: 0 | 1): boolean {
  const signature = Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), yParity });
  return recoverAddress(digest, signature) === computeAddress(hexlify(publicKey));
}

/** The parity, undefined, or the code of the error. */
function outcome(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): unknown {
  try {
    return verifySignature(publicKey, digest, signature);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

/** Whether so many verifications ask for a table. They are cheap ones: u1 = u2 = 1, which gives no valid signature. */
function asksForTable(publicKey: Uint8Array): boolean {
  for (let use = 0; use < 40; use++) verifySignature(publicKey, digestOf(1n), { r: 1n, s: 1n });
  return jest.getTimerCount() > 0;
}

/** Uses a key until it has its table, which is built in a turn of the event loop of its own; the generator's comes first. */
function earnTable(publicKey: Uint8Array): void {
  while (asksForTable(publicKey)) jest.runAllTimers();
}

/** A right signature by each key; and what is not one, with what must come of it. */
const keys = [2n, ORDER - 3n, 0xc0ffeen, 1n, ORDER - 1n].map((privateKey) => {
  const publicKey = publicKeyOf(privateKey);
  const digest = digestOf(privateKey + 77n);
  const good = toLowS(sign(privateKey, digest, 0xabcdefn));
  return { privateKey, publicKey, digest, good };
});

const examples = keys.flatMap(({ privateKey, publicKey, digest, good }) => {
  const equal = 12345n;
  // u1·G = u2·Q: equal points meet in the sum, and R = 2·u1·G.
  const doubled = Fn.create(Point.BASE.multiply(2n * equal).x);
  const s = Fn.div(doubled, Fn.div(equal, privateKey));
  return [
    { publicKey, digest, signature: good },
    { publicKey, digest, signature: opposite(good) },
    { publicKey, digest: digestOf(0n), signature: sign(privateKey, digestOf(0n), 5n) },
    { publicKey, digest: digestOf(Fn.mul(equal, s)), signature: { r: doubled, s } },
    // R = u1·G + u2·Q is infinite for z = -r·d.
    { publicKey, digest: digestOf(Fn.create(-good.r * privateKey)), signature: good },
    { publicKey, digest: digestOf(1n), signature: good },
    { publicKey, digest, signature: { r: good.r, s: good.s + 1n } },
    { publicKey, digest, signature: { r: good.r + 1n, s: good.s } },
  ];
});
const parity = expect.any(Number);
const expected = keys.flatMap(() => [parity, parity, parity, parity, undefined, undefined, undefined, undefined]);
const outcomes = () => examples.map(({ publicKey, digest, signature }) => outcome(publicKey, digest, signature));

beforeAll(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.runAllTimers();
});

afterAll(() => {
  jest.useRealTimers();
});

// First in this file: until then nothing was verified, and there are no tables.
describe("a table of the key's multiples", () => {
  test("is not built for a few verifications", () => {
    expect(outcomes()).toEqual(expected);
    expect(outcomes()).toEqual(expected);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("changes no result: parities, infinity, equal points, wrong signatures", () => {
    const before = outcomes();
    for (const { publicKey } of keys) earnTable(publicKey);
    expect(outcomes()).toEqual(before);
    for (const { publicKey, digest, signature } of examples) {
      const yParity = outcome(publicKey, digest, signature);
      if (yParity === 0 || yParity === 1) expect(recoversRaw(publicKey, digest, signature, yParity)).toBe(true);
    }
  });

  test("is built one at a time, after the verifications that asked for it, and once for each key", () => {
    const [one, two] = [keyAt(1_000).publicKey, keyAt(1_001).publicKey];
    expect([asksForTable(one), asksForTable(two), jest.getTimerCount()]).toEqual([true, true, 1]);
    jest.runAllTimers();
    expect([asksForTable(one), asksForTable(two)]).toEqual([false, true]);
    jest.runAllTimers();
    expect(asksForTable(two)).toBe(false);
  });

  test("is built at once for a caller that lets the event loop have no turn", () => {
    const { publicKey } = keyAt(1_002);
    for (let asked = 0; asked < 3; asked++) expect(asksForTable(publicKey)).toBe(true);
    expect(asksForTable(publicKey)).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is the same object's: equal bytes in another one are another key's", () => {
    const { publicKey, digest, good, yParity } = keyAt(1_000);
    const copy = publicKey.slice();
    expect(verifySignature(copy, digest, good)).toBe(yParity);
    expect(asksForTable(publicKey)).toBe(false);
    expect(asksForTable(copy)).toBe(true);
  });

  test("beyond 100 keys replaces the oldest, whose results stay right and which earns another", () => {
    const [first, last] = [keyAt(2_000), keyAt(2_100)];
    for (let index = 2_000; index <= 2_100; index++) earnTable(keyAt(index).publicKey);
    const judge = ({ publicKey, digest, good, yParity }: typeof first) => {
      expect(verifySignature(publicKey, digest, good)).toBe(yParity);
      expect(verifySignature(publicKey, digest, opposite(good))).toBe(1 - yParity);
      expect(verifySignature(publicKey, digestOf(1n), good)).toBeUndefined();
    };
    judge(first);
    judge(last);
    expect([asksForTable(last.publicKey), asksForTable(first.publicKey)]).toEqual([false, true]);
    jest.runAllTimers();
    expect(asksForTable(first.publicKey)).toBe(false);
    judge(first);
  }, 120_000);
});

const oneKey = publicKeyOf(0xc0ffeen);

// The one key of these has its table after 33 of them, so that most run with one.
describe.each([
  ["of a new key each time", () => publicKeyOf(0xc0ffeen)],
  ["of one key", () => oneKey],
])("signatures %s", (_name, publicKey) => {
  const privateKey = 0xc0ffeen;
  const signingKey = new SigningKey(toBeHex(privateKey, 32));

  test("equal ethers' own, and have the other parity with the other s", () => {
    fc.assert(
      fc.property(anyDigest(), (digest) => {
        const { r, s, yParity } = signingKey.sign(digest);
        const signature = { r: BigInt(r), s: BigInt(s) };
        expect(verifySignature(publicKey(), digest, signature)).toBe(yParity);
        expect(verifySignature(publicKey(), digest, opposite(signature))).toBe(1 - yParity);
        jest.runAllTimers();
      }),
      { numRuns: cases(300, 60) },
    );
  });

  test("are judged as OpenSSL judges them, right and mutated", () => {
    const key = createPublicKey({ key: Buffer.from(spkiOf(publicKey())), format: "der", type: "spki" });
    let valid = 0;
    fc.assert(
      fc.property(fc.uint8Array(), scalar(), fc.nat(511), fc.boolean(), (message, k, bit, mutate) => {
        const digest = getBytes(sha256(message));
        const right = sign(privateKey, digest, k);
        fc.pre(right.r !== 0n && right.s !== 0n);
        const { r, s } = mutate ? flip(right, bit) : right;
        fc.pre(r > 0n && r < ORDER && s > 0n && s < ORDER);
        const isValid = verifyByOpenSsl("sha256", message, key, signatureToDer({ r, s }));
        expect(verifySignature(publicKey(), digest, { r, s }) !== undefined).toBe(isValid);
        if (isValid) valid++;
        jest.runAllTimers();
      }),
      { numRuns: cases(300, 60) },
    );
    expect(valid).toBeGreaterThan(cases(50, 10));
  });
});

describe("verifySignature", () => {
  test("is the parity that recovers the address, for any key, digest and nonce", () => {
    fc.assert(
      fc.property(scalar(), anyDigest(), scalar(), (privateKey, digest, k) => {
        const raw = sign(privateKey, digest, k);
        fc.pre(raw.r !== 0n && raw.s !== 0n);
        const low = toLowS(raw);
        const publicKey = publicKeyOf(privateKey);
        const yParity = verifySignature(publicKey, digest, low);
        expect(recovers(publicKey, digest, low, yParity as 0 | 1)).toBe(true);
        expect(verifySignature(publicKey, digest, opposite(low))).toBe(1 - (yParity as number));
      }),
      { numRuns: cases(300, 60) },
    );
  });

  test.each([
    ["zero", digestOf(0n)],
    ["n, which is zero modulo n", digestOf(ORDER)],
    ["n + 1", digestOf(ORDER + 1n)],
    ["2^256 - 1", digestOf(2n ** 256n - 1n)],
  ])("works if the digest is %s", (_name, digest) => {
    const low = toLowS(sign(5n, digest, 7n));
    const yParity = verifySignature(publicKeyOf(5n), digest, low);
    expect(recovers(publicKeyOf(5n), digest, low, yParity as 0 | 1)).toBe(true);
  });

  test("works if the two points are opposite but for one G: R = -G", () => {
    // With the private key 1, Q = G and R = (u1 + u2)·G. r = u2·s and z = u1·s with u1 = -u2 - 1.
    const u2 = 12345n;
    const u1 = Fn.create(-u2 - 1n);
    const point = Point.BASE.negate();
    const r = Fn.create(point.x);
    const s = Fn.div(r, u2);
    expect(verifySignature(publicKeyOf(1n), digestOf(Fn.mul(u1, s)), { r, s })).toBe(Number(point.y & 1n));
  });

  test.each(["zero", "42", "2^256 - 1"])("refuses a valid signature whose R has x >= n, over %s", (name) => {
    const digest = { zero: digestOf(0n), "42": digestOf(42n) }[name] ?? digestOf(2n ** 256n - 1n);
    const { publicKey, signature } = beyondOrder(digest);
    for (const each of [signature, opposite(signature)]) {
      refused(() => verifySignature(publicKey, digest, each), "BACKEND_RESPONSE_INVALID");
      expect(() => verifySignature(publicKey, digest, each)).toThrow(/x >= n .*recovery id 2 or 3.*sign again/);
    }
    // With its table too.
    earnTable(publicKey);
    refused(() => verifySignature(publicKey, digest, signature), "BACKEND_RESPONSE_INVALID");
    expect(verifySignature(publicKey, digestOf(43n), signature)).toBeUndefined();
  });

  const privateKey = 0xc0ffeen;
  const publicKey = publicKeyOf(privateKey);
  const digest = digestOf(0xd16e57n);
  const good = toLowS(sign(privateKey, digest, 99n));

  test.each<[string, Uint8Array, Uint8Array, RawSignature]>([
    ["by another key", publicKeyOf(privateKey + 1n), digest, good],
    ["by the opposite key", Point.BASE.multiply(privateKey).negate().toBytes(false), digest, good],
    ["over another digest", publicKey, digestOf(0xd16e58n), good],
    ["with another r", publicKey, digest, { r: good.r + 1n, s: good.s }],
    ["with n - r", publicKey, digest, { r: ORDER - good.r, s: good.s }],
    ["with another s", publicKey, digest, { r: good.r, s: good.s + 1n }],
    ["with r and s swapped", publicKey, digest, { r: good.s, s: good.r }],
    ["of 1 and 1", publicKey, digest, { r: 1n, s: 1n }],
    ["of n - 1 and n - 1", publicKey, digest, { r: ORDER - 1n, s: ORDER - 1n }],
  ])("is undefined for a signature %s", (_name, key, over, signature) => {
    expect([0, 1]).toContain(verifySignature(publicKey, digest, good));
    expect(verifySignature(key, over, signature)).toBeUndefined();
  });

  test("changes neither the key's bytes nor the digest's", () => {
    const [key, over] = [publicKey.slice(), digest.slice()];
    verifySignature(key, over, good);
    expect([key, over]).toEqual([publicKey, digest]);
  });
});

/** The key number `index`, with a right signature. */
const known = new Map<number, ReturnType<typeof makeKey>>();

function keyAt(index: number) {
  const key = known.get(index) ?? makeKey(index);
  known.set(index, key);
  return key;
}

function makeKey(index: number) {
  const signingKey = new SigningKey(id(`key ${index}`));
  const digest = getBytes(id(`digest ${index}`));
  const { r, s, yParity } = signingKey.sign(digest);
  return { publicKey: getBytes(signingKey.publicKey), digest, good: { r: BigInt(r), s: BigInt(s) }, yParity };
}

/** Whether @noble/curves recovers the key: it accepts a high s, which ethers does not. */
function recoversRaw(publicKey: Uint8Array, digest: Uint8Array, { r, s }: RawSignature, yParity: 0 | 1): boolean {
  const [low, other] = [toLowS({ r, s }), (1 - yParity) as 0 | 1];
  return recovers(publicKey, digest, low, low.s === s ? yParity : other);
}

function flip({ r, s }: RawSignature, bit: number): RawSignature {
  return bit < 256 ? { r: r ^ (1n << BigInt(bit)), s } : { r, s: s ^ (1n << BigInt(bit % 256)) };
}
