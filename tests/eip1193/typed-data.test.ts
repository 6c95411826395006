import { describe, expect, test } from "@jest/globals";
import { TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { hashTypedData } from "viem";
import { ProviderRpcError } from "../../src/eip1193/errors.ts";
import { parseTypedData } from "../../src/eip1193/typed-data.ts";
import { cases } from "../support/cases.ts";

const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

/** Typed data of one struct T with one field x. */
function one(type: string, x: unknown, types: object = {}): object {
  const declared = { EIP712Domain: [], T: [{ name: "x", type }], ...types };
  return { types: declared, primaryType: "T", domain: {}, message: { x } };
}

function refusal(data: unknown): string {
  try {
    parseTypedData(data);
  } catch (error) {
    if (error instanceof ProviderRpcError && error.code === -32602) return error.message;
    throw error;
  }
  return "accepted";
}

describe("a value must have its type", () => {
  test.each<[string, string, unknown]>([
    ...["false", "true", "0", 0, 1, {}, [], null, undefined].map((x): [string, string, unknown] => [
      `${JSON.stringify(x)}`,
      "bool",
      x,
    ]),
    ["an unsafe number", "uint256", 2 ** 53],
    ["a fraction", "uint256", 0.5],
    ["a boolean", "uint256", true],
    ["an array", "uint256", ["1"]],
    ["no digits", "uint256", ""],
    ["a blank", "uint256", " 1"],
    ["an exponent", "uint256", "1e3"],
    ["a negative hex", "int8", "-0x1"],
    ["hex without digits", "uint8", "0x"],
    ["more than 8 bits", "uint8", 256],
    ["less than zero", "uint8", -1],
    ["more than 7 bits and a sign", "int8", "128"],
    ["less than 7 bits and a sign", "int8", "-129"],
    ["more than 256 bits", "uint256", `0x1${"0".repeat(64)}`],
    ["a very long number", "uint256", "1".repeat(1_000_000)],
    ["an address without 0x", "address", FRIEND.slice(2)],
    ["an address in upper-case 0X", "address", FRIEND.replace("0x", "0X")],
    ["a short address", "address", FRIEND.slice(0, -1)],
    ["a bad checksum", "address", FRIEND.replace("8ba", "8Ba")],
    ["a name", "address", "vitalik.eth"],
    ["ICAP", "address", "XE65GB6LDNXYOFTX0NSV3FUWKOWIXAMJK36"],
    ["a number as address", "address", 1],
    ["half a byte", "bytes", "0x1"],
    ["bytes without 0x", "bytes", "12"],
    ["bytes as text", "bytes", "hello"],
    ["bytes as an array", "bytes", [1, 2]],
    ["bytes as they are in memory", "bytes", Uint8Array.of(1)],
    ["too few bytes", "bytes2", "0x01"],
    ["too many bytes", "bytes2", "0x010203"],
    ["a number as string", "string", 1],
    ["half of a surrogate pair", "string", "\ud800"],
    ["an object as array", "uint8[]", { length: 0 }],
    ["an array that is too short", "uint8[2]", [1]],
    ["an array that is too long", "uint8[2][]", [[1, 2, 3]]],
    ["an array as struct", "S", []],
  ])("%s as %s", (_name, type, x) => {
    expect(refusal(one(type, x, { S: [] }))).toMatch(/^message\.x(\[0\])? (must|is|has)/);
  });

  test("a promise is not waited for: it has no members", () => {
    const types = { S: [{ name: "y", type: "bool" }] };
    expect(refusal(one("S", Promise.resolve({ y: true }), types))).toMatch(/^message\.x\.y/);
  });

  test.each<[string, unknown, unknown]>([
    ["bool", false, false],
    ["uint8", 255, 255n],
    ["uint8", "255", 255n],
    ["uint8", "0x00ff", 255n],
    ["uint8", 255n, 255n],
    ["int8", -128, -128n],
    ["int8", "-128", -128n],
    ["uint256", `0x${"f".repeat(64)}`, 2n ** 256n - 1n],
    ["int256", `${-(2n ** 255n)}`, -(2n ** 255n)],
    ["address", FRIEND.toLowerCase(), FRIEND],
    ["address", FRIEND, FRIEND],
    ["bytes", "0x", "0x"],
    ["bytes2", "0xABCD", "0xabcd"],
    ["string", "", ""],
    ["string[]", [], []],
    ["uint8[2][]", [["1", 2]], [[1n, 2n]]],
  ])("%s %p", (type, x, expected) => {
    expect(parseTypedData(one(type, x)).message).toEqual({ x: expected });
  });
});

test.each<[string, RegExp, object]>([
  ["the alias uint", /^types\.T\[0\]\.type is uint, an alias/, one("uint", 1)],
  ["the alias int", /write int256/, one("int", 1)],
  ["arrays of them", /is uint\[2\]\[\], an alias/, one("uint[2][]", [])],
  ["an alias that nothing needs", /^types\.S\[0\]\.type/, one("bool", true, { S: [{ name: "y", type: "uint" }] })],
  ["an unknown type", /^types\.T\[0\]\.type is neither/, one("uint7", 1)],
  ["bytes33", /^types\.T\[0\]\.type is neither/, one("bytes33", "0x")],
  ["a property of objects", /is neither/, one("constructor", {})],
  ["an array of no elements", /is neither/, one("bool[0]", [])],
  ["an array of 02 elements", /is neither/, one("bool[02]", [true, true])],
  ["a struct that is named as a type", /^types\."uint256" is not a name/, one("bool", true, { uint256: [] })],
  ["a struct that is named as an array", /is not a name/, one("bool", true, { "S[]": [] })],
  [
    "a struct whose name has other structs in it",
    /is not a name/,
    one("bool", true, { "Order(Deal deal)Deal": [{ name: "amount", type: "uint256" }] }),
  ],
  [
    "a field whose name has another field in it",
    /^types\.S\[0\]\.name must be an identifier/,
    one("bool", true, { S: [{ name: "amount,address to", type: "uint256" }] }),
  ],
  ["a field twice", /declares the field y twice/, one("S", {}, { S: Array(2).fill({ name: "y", type: "bool" }) })],
  ["a missing field", /^message\.x\.y is missing/, one("S", {}, { S: [{ name: "y", type: "bool" }] })],
  ["a null field", /^message\.x\.y is missing/, one("S", { y: null }, { S: [{ name: "y", type: "bool" }] })],
  [
    "an inherited field",
    /^message\.x\.toString is missing/,
    one("S", {}, { S: [{ name: "toString", type: "string" }] }),
  ],
  ["a struct that contains itself", /circular/, one("T[]", [])],
  [
    "a path",
    /^message\.x\[1\]\.y must be true or false/,
    one("S[]", [{ y: true }, { y: 1 }], { S: [{ name: "y", type: "bool" }] }),
  ],
  [
    "the domain's values",
    /^domain\.chainId must be an integer/,
    {
      ...one("bool", true, { EIP712Domain: [{ name: "chainId", type: "uint256" }] }),
      domain: { chainId: "one" },
    },
  ],
])("%s is refused, and the error names it", (_name, message, data) => {
  expect(refusal(data)).toMatch(message);
  expect(refusal(JSON.stringify(data))).toMatch(message);
});

test("members that no type declares are ignored", () => {
  const data = { ...one("bool", true), message: { x: true, y: "ignored" }, other: 1 };
  expect(parseTypedData(data).message).toEqual({ x: true });
});

describe("a member twice in text is refused", () => {
  const text = JSON.stringify(one("string", "a"));

  test.each<[string, string]>([
    ["of the message", text.replace('{"x":"a"}', '{"x":"a","x":"b"}')],
    ["written in another way", text.replace('{"x":"a"}', '{"x":"a","\\u0078":"b"}')],
    ["of the whole", text.replace(/}$/, ',"message":{"x":"b"}}')],
    ["of what is ignored", text.replace(/}$/, ',"other":[{"a":{},"a":[]}]}')],
    ["__proto__", text.replace(/}$/, ',"other":{"__proto__":1,"__proto__":2}}')],
  ])("%s", (_name, twice) => {
    expect(refusal(twice)).toMatch(/^the typed data has an object with the member ".*" twice$/);
  });

  test("but not what merely looks like one", () => {
    const value = '{"x":1,"x":2} \\" : {';
    expect(parseTypedData(JSON.stringify(one("string", value))).message).toEqual({ x: value });
    expect(refusal(text.replace(/}$/, ',"other":[{"a":1},{"a":1,"b":{"a":1}}]}'))).toBe("accepted");
  });

  test("in time that grows with the text only", () => {
    const long = '\\"'.repeat(1_000_000);
    expect(refusal(JSON.stringify(one("string", long)))).toBe("accepted");
  });
});

describe("what is too large is refused at once", () => {
  test("the same objects many times over", () => {
    let value: unknown = [];
    for (let level = 0; level < 20; level += 1) value = [value, value];
    expect(refusal({ ...one("bool", true), other: value })).toMatch(/levels or 100,000 values/);
  });

  test("many levels, in text too", () => {
    const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
    expect(refusal(JSON.stringify(one("bool", true)).replace(/}$/, `,"other":${deep}}`))).toMatch(/levels/);
  });

  test("types that refer to each other in a billion ways", () => {
    const fields = (level: number) => ["a", "b"].map((name) => ({ name, type: `${name}${level}` }));
    const levels = Array.from({ length: 30 }, (_, level) => level).flatMap((level) =>
      ["a", "b"].map((name) => [`${name}${level}`, level === 29 ? [] : fields(level + 1)]),
    );
    expect(refusal(one("bool", true, Object.fromEntries(levels)))).toMatch(/too many ways/);
  });
});

describe("what is accepted has one digest, of ethers and of viem", () => {
  const identifier = fc.oneof(
    fc.stringMatching(/^[A-Za-z_$][\w$]{0,8}$/),
    fc.constantFrom("constructor", "toString", "hasOwnProperty", "intent", "bytesInfo", "uintX", "length", "name"),
  );
  const elementary = fc.oneof(
    fc.constantFrom("bool", "string", "address", "bytes"),
    fc.integer({ min: 1, max: 32 }).chain((n) => fc.constantFrom(`bytes${n}`, `uint${8 * n}`, `int${8 * n}`)),
  );
  const dimensions = fc.array(fc.constantFrom("[]", "[1]", "[2]"), { maxLength: 2 }).map((all) => all.join(""));

  const hex = (bytes: Uint8Array) => `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const bytes = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max }).map(hex);

  function integer(type: string): fc.Arbitrary<unknown> {
    const bits = BigInt(type.replace(/\D/g, ""));
    const [min, max] = type.startsWith("u") ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
    return fc.bigInt({ min, max }).chain((value) => {
      const forms: unknown[] = [value.toString()];
      if (value >= 0n) forms.push(`0x${value.toString(16)}`, `0x00${value.toString(16)}`.slice(0, 66));
      if (Number.isSafeInteger(Number(value))) forms.push(Number(value));
      return fc.constantFrom(...forms.filter((form) => typeof form !== "string" || BigInt(form) === value));
    });
  }

  type Fields = readonly { readonly name: string; readonly type: string }[];

  function valueFor(type: string, types: Readonly<Record<string, Fields>>): fc.Arbitrary<unknown> {
    const [, element, size] = /^(.*)\[(\d*)\]$/.exec(type) ?? [];
    if (element !== undefined) {
      const length = size ? { minLength: Number(size), maxLength: Number(size) } : { maxLength: 2 };
      return fc.array(valueFor(element, types), length);
    }
    const fields = Object.hasOwn(types, type) ? types[type] : undefined;
    if (fields) return fc.record(Object.fromEntries(fields.map((field) => [field.name, valueFor(field.type, types)])));
    if (type === "bool") return fc.boolean();
    if (type === "string") return fc.string({ unit: "binary" });
    if (type === "address") return bytes(20);
    if (type.startsWith("bytes")) return type === "bytes" ? bytes(0, 40) : bytes(Number(type.slice(5)));
    return integer(type);
  }

  const DOMAIN = {
    name: "string",
    version: "string",
    chainId: "uint256",
    verifyingContract: "address",
    salt: "bytes32",
  };

  const domains = fc.subarray(Object.entries(DOMAIN)).chain((chosen) => {
    const fields = chosen.map(([name, type]) => ({ name, type }));
    return fc.record({ fields: fc.constant(fields), value: valueFor("D", { D: fields }) });
  });

  /** Structs that refer to later ones only, and values for the first. */
  const typedData = fc
    .uniqueArray(
      identifier.filter((name) => !/^(u?int|bytes)\d*$/.test(name)),
      { minLength: 1, maxLength: 4 },
    )
    .chain((names) => {
      const structs = names.map((_, index) => {
        const later = names.slice(index + 1);
        const base = later.length === 0 ? elementary : fc.oneof(elementary, fc.constantFrom(...later));
        const field = fc.record({ name: identifier, type: fc.tuple(base, dimensions).map((parts) => parts.join("")) });
        return fc.uniqueArray(field, { maxLength: 4, selector: ({ name }) => name });
      });
      return fc.tuple(domains, ...structs).chain(([domain, ...fields]) => {
        const types = Object.fromEntries(names.map((name, index) => [name, fields[index] as Fields]));
        const [primaryType = ""] = names;
        return valueFor(primaryType, types).map((message) => ({
          types: { EIP712Domain: domain.fields, ...types },
          primaryType,
          domain: domain.value,
          message,
        }));
      });
    });

  test("of objects and of their text", () => {
    fc.assert(
      fc.property(typedData, (data) => {
        for (const parameter of [data, JSON.stringify(data)]) {
          const { domain, types, primaryType, message } = parseTypedData(parameter);
          const digest = TypedDataEncoder.hash(domain, types, message);
          expect(hashTypedData({ domain, types, primaryType, message } as never)).toBe(digest);
          // From the same values in their own words, as far as ethers reads them.
          expect(TypedDataEncoder.hash(data.domain as object, types, data.message as object)).toBe(digest);
        }
      }),
      { numRuns: cases(100, 20) },
    );
  });

  test("of anything: it is refused with -32602, or both libraries agree", () => {
    const anything = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(typedData, anything, fc.nat(), (data, replacement, seed) => {
        const paths: (string | number)[][] = [];
        const walk = (value: unknown, path: (string | number)[]) => {
          if (path.length > 0) paths.push(path);
          if (typeof value !== "object" || value === null) return;
          for (const key of Object.keys(value)) walk((value as Record<string, unknown>)[key], [...path, key]);
        };
        walk(data, []);
        const path = paths[seed % paths.length] ?? [];
        const copy = structuredClone(data) as unknown as Record<string, unknown>;
        const parent = path
          .slice(0, -1)
          .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
        parent[path.at(-1) ?? ""] = replacement;
        if (refusal(copy) !== "accepted") return;
        const { domain, types, primaryType, message } = parseTypedData(copy);
        const digest = TypedDataEncoder.hash(domain, types, message);
        expect(hashTypedData({ domain, types, primaryType, message } as never)).toBe(digest);
      }),
      { numRuns: cases(500, 100) },
    );
  });
});
