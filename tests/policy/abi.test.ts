import { describe, expect, test } from "@jest/globals";
import { AbiCoder, dataSlice, hexlify, ParamType, toBeHex, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { argumentDecoder } from "../../src/policy/abi.ts";
import { cases } from "../support/cases.ts";

/** A type, and a value of it: what ethers encodes, and what is decoded, which is the same but for names. */
interface Sample {
  readonly type: string;
  readonly given: unknown;
  readonly expected: unknown;
}

const coder = AbiCoder.defaultAbiCoder();
const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

const same = (type: string, values: fc.Arbitrary<unknown>) =>
  values.map((value): Sample => ({ type, given: value, expected: value }));
const integers = fc.integer({ min: 1, max: 32 }).chain((bytes) => {
  const most = 2n ** BigInt(8 * bytes);
  return fc.oneof(
    same(`uint${8 * bytes}`, fc.oneof(fc.constant(most - 1n), fc.bigInt({ min: 0n, max: most - 1n }))),
    same(`int${8 * bytes}`, fc.oneof(fc.constant(-most / 2n), fc.bigInt({ min: -most / 2n, max: most / 2n - 1n }))),
  );
});
const fixedBytes = fc
  .integer({ min: 1, max: 32 })
  .chain((length) => same(`bytes${length}`, fc.uint8Array({ minLength: length, maxLength: length }).map(hexlify)));
const leaves = fc.oneof(
  integers,
  fixedBytes,
  same("bool", fc.boolean()),
  same("address", fc.constant(FRIEND)),
  same("bytes", fc.uint8Array({ maxLength: 70 }).map(hexlify)),
  same("string", fc.string({ unit: "grapheme", maxLength: 20 })),
);

function tuples(samples: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.array(samples, { minLength: 1, maxLength: 3 }).map((parts) => ({
    type: `tuple(${parts.map(({ type }, index) => `${type} f${index}`).join(", ")})`,
    given: parts.map(({ given }) => given),
    expected: Object.fromEntries(parts.map(({ expected }, index) => [`f${index}`, expected])),
  }));
}

function arrays(samples: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(samples, fc.nat(3), fc.boolean()).map(([{ type, given, expected }, length, isFixed]) => ({
    type: `${type}[${isFixed && length > 0 ? length : ""}]`,
    given: Array(length).fill(given),
    expected: Array(length).fill(expected),
  }));
}

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof({ maxDepth: 3 }, leaves, tuples(tie("sample")), arrays(tie("sample"))),
}));
const lists = fc.array(sample, { minLength: 1, maxLength: 3 });

function encode(samples: readonly Sample[]) {
  const types = samples.map(({ type }) => ParamType.from(type));
  const encoded = coder.encode(
    types,
    samples.map(({ given }) => given),
  );
  return { types, encoded, decode: argumentDecoder(types) };
}

/** Whether it is what ethers encodes of what ethers decodes. */
function isCanonical(types: readonly ParamType[], encoded: string): boolean {
  try {
    return coder.encode(types, coder.decode(types, encoded)) === encoded;
  } catch {
    return false;
  }
}

describe("arguments", () => {
  test("of every type are decoded to what ethers encoded", () => {
    const property = fc.property(lists, (samples) => {
      const { encoded, decode } = encode(samples);
      const expected = samples.map(({ expected }, index) => [`${index}`, expected]);
      expect(decode(encoded.slice(2))).toEqual(Object.fromEntries(expected));
    });
    fc.assert(property, { numRuns: cases(3_000, 150) });
  });

  test("are accepted exactly if ethers encodes what it decodes to the same bytes", () => {
    const changes = fc.record({
      at: fc.nat(),
      xor: fc.integer({ min: 0, max: 255 }),
      cut: fc.nat(40),
      more: fc.nat(40),
    });
    const [accepted, refused] = [new Set<string>(), new Set<string>()];
    const property = fc.property(lists, changes, (samples, { at, xor, cut, more }) => {
      const { types, encoded, decode } = encode(samples);
      const bytes = Buffer.from(encoded.slice(2), "hex");
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ xor;
      const end = cut < 20 ? bytes.length : Math.max(0, bytes.length - cut);
      const changed = hexlify(Buffer.concat([bytes.subarray(0, end), Buffer.alloc(more < 20 ? 0 : more)]));
      const attempt = () => decode(changed.slice(2));
      if (isCanonical(types, changed)) {
        attempt();
        accepted.add(changed);
      } else {
        expect(attempt).toThrow();
        refused.add(changed);
      }
    });
    fc.assert(property, { numRuns: cases(20_000, 500), seed: 1 });
    expect(Math.min(accepted.size, refused.size)).toBeGreaterThan(10);
  });

  const word = (value: bigint | number) => toBeHex(value, 32).slice(2);
  test.each([
    ["two arguments share one place", ["bytes", "bytes"], [word(64), word(64), word(0)]],
    ["an offset points back", ["bytes", "bytes"], [word(96), word(64), word(0), word(0)]],
    ["there is a gap", ["bytes"], [word(64), word(0), word(0)]],
    ["an offset is beyond 2^64", ["bytes"], [word(2n ** 64n + 32n), word(0)]],
    ["a length is beyond the calldata", ["bytes"], [word(32), word(2n ** 255n)]],
    ["a list is longer than the calldata", ["uint256[]"], [word(32), word(2n ** 53n)]],
    ["a list of nothing has a length", ["uint256[0][]"], [word(32), word(1)]],
    ["a text is not UTF-8", ["string"], [word(32), word(1), `ff${"00".repeat(31)}`]],
    ["bytes have padding that is not zero", ["bytes"], [word(32), word(1), `ff${"00".repeat(30)}01`]],
    ["a bool is 2", ["bool"], [word(2)]],
    ["an int8 is not extended by its sign", ["int8"], [word(0xff)]],
    ["there are no arguments", ["uint256"], []],
    ["there should be none", [], [word(0)]],
  ])("are refused if %s", (_, types, words) => {
    const decode = argumentDecoder(types.map((type) => ParamType.from(type)));
    expect(() => decode(words.join(""))).toThrow();
  });

  test("a text of 33 bytes and none at all are decoded", () => {
    const decode = argumentDecoder(["string", "uint8[]"].map((type) => ParamType.from(type)));
    const text = `${"é".repeat(16)}x`;
    expect(toUtf8Bytes(text)).toHaveLength(33);
    expect(decode(coder.encode(["string", "uint8[]"], [text, []]).slice(2))).toEqual({ 0: text, 1: [] });
    expect(argumentDecoder([])(dataSlice("0x", 0).slice(2))).toEqual({});
  });
});
