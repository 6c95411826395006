import { expect, test } from "@jest/globals";
import type { Signer, TypedDataDomain, TypedDataField } from "ethers";
import { id, verifyTypedData, ZeroAddress } from "ethers";
import { expectSameFailure, expectSerialized } from "./compare.ts";
import type { Context, Pair } from "./context.ts";
import { FRIEND, NAMES } from "./context.ts";

type Types = Record<string, TypedDataField[]>;
type Value = Record<string, unknown>;

const DOMAIN: TypedDataDomain = { name: "Escrow", version: "1", chainId: 31337n, verifyingContract: FRIEND };
const TRANSFER: Types = {
  Transfer: [
    { name: "to", type: "address" },
    { name: "amount", type: "uint256" },
  ],
};
const ORDER: Types = {
  Order: [
    { name: "items", type: "Item[]" },
    { name: "pair", type: "uint8[2]" },
    { name: "memo", type: "string" },
    { name: "tag", type: "bytes32" },
    { name: "data", type: "bytes" },
    { name: "urgent", type: "bool" },
    { name: "delta", type: "int64" },
  ],
  Item: [
    { name: "owner", type: "address" },
    { name: "id", type: "uint256" },
  ],
};
const ORDER_VALUE: Value = {
  items: [
    { owner: FRIEND, id: 1 },
    { owner: ZeroAddress, id: 2n ** 255n },
  ],
  pair: [3, 4],
  memo: "für später",
  tag: id("tag"),
  data: "0x010203",
  urgent: true,
  delta: -5,
};

/** Both sign; the signature is by the account over `resolved`: what is left once names are addresses. */
async function expectSigned(
  { signer, wallet }: Pair,
  input: readonly [TypedDataDomain, Types, Value],
  resolved: readonly [TypedDataDomain, Types, Value] = input,
): Promise<void> {
  for (const each of [signer, wallet]) {
    const signature = expectSerialized(await each.signTypedData(...input));
    expect(verifyTypedData(...resolved, signature)).toBe(wallet.address);
  }
}

/** EIP-712 typed data. */
export function describeTypedData(context: Context): void {
  test.each<[string, TypedDataDomain, Types, Value]>([
    ["a flat struct", DOMAIN, TRANSFER, { to: FRIEND, amount: 5 }],
    ["structs in structs, arrays and every kind of value", DOMAIN, ORDER, ORDER_VALUE],
    ["an empty domain", {}, TRANSFER, { to: FRIEND, amount: 5 }],
    ["a domain with a salt only", { salt: id("salt") }, TRANSFER, { to: FRIEND, amount: 5 }],
    ["null entries in the domain", { ...DOMAIN, version: null, salt: null }, TRANSFER, { to: FRIEND, amount: 5 }],
    ["numbers as strings", DOMAIN, TRANSFER, { to: FRIEND, amount: "12345678901234567890" }],
    ["properties that no type names", DOMAIN, TRANSFER, { to: FRIEND, amount: 5, note: "ignored" }],
  ])("%s", async (_name, domain, types, value) => {
    await expectSigned(context().offline, [domain, types, value]);
  });

  test("the domain is part of what is signed", async () => {
    const { offline, address } = context();
    const value = { to: FRIEND, amount: 5 };
    const signature = await offline.signer.signTypedData(DOMAIN, TRANSFER, value);
    expect(verifyTypedData({ ...DOMAIN, chainId: 1 }, TRANSFER, value, signature)).not.toBe(address);
  });

  test("frozen input is accepted and nothing of it changes", async () => {
    const domain = Object.freeze({ ...DOMAIN });
    const value = Object.freeze({ to: FRIEND, amount: 5 });
    const fields = Object.freeze(TRANSFER["Transfer"]?.map((field) => Object.freeze({ ...field })));
    const types = Object.freeze({ Transfer: fields }) as unknown as Types;
    await expectSigned(context().offline, [domain, types, value]);
  });

  test("the value is read at the call: what the caller changes afterwards is not signed", async () => {
    const { offline, address } = context();
    for (const signer of [offline.signer, offline.wallet]) {
      const value = { to: FRIEND, amount: 5 };
      const signing = signer.signTypedData(DOMAIN, TRANSFER, value);
      value.amount = 6;
      expect(verifyTypedData(DOMAIN, TRANSFER, { to: FRIEND, amount: 5 }, await signing)).toBe(address);
    }
  });

  test("names in values resolve, also in nested structs", async () => {
    const named = { ...ORDER_VALUE, items: [{ owner: NAMES.friend, id: 1 }] };
    const resolved = { ...ORDER_VALUE, items: [{ owner: FRIEND, id: 1 }] };
    await expectSigned(context().online, [DOMAIN, ORDER, named], [DOMAIN, ORDER, resolved]);
    expect(named.items[0]?.owner).toBe(NAMES.friend);
  });

  test("a name as verifyingContract resolves", async () => {
    const value = { to: NAMES.account, amount: 5 };
    const resolved = { to: context().address, amount: 5 };
    const named = { ...DOMAIN, verifyingContract: NAMES.friend };
    await expectSigned(context().online, [named, TRANSFER, value], [DOMAIN, TRANSFER, resolved]);
  });

  const sign = (domain: TypedDataDomain, types: Types, value: Value) => (signer: Signer) =>
    signer.signTypedData(domain, types, value);

  test.each<[string, TypedDataDomain, string]>([
    ["in a value", DOMAIN, NAMES.friend],
    ["as verifyingContract", { ...DOMAIN, verifyingContract: NAMES.friend }, FRIEND],
  ])("a name %s without a provider is refused", async (_name, domain, to) => {
    await expectSameFailure(context().offline, sign(domain, TRANSFER, { to, amount: 5 }), {
      code: "UNSUPPORTED_OPERATION",
      shortMessage: "cannot resolve ENS names without a provider",
      operation: "resolveName",
      info: { name: NAMES.friend },
    });
  });

  test.each([NAMES.unknown, NAMES.empty])("%s has no address", async (name) => {
    const expected = { code: "UNCONFIGURED_NAME", shortMessage: "unconfigured ENS name", value: name };
    const { online } = context();
    await expectSameFailure(online, sign(DOMAIN, TRANSFER, { to: name, amount: 5 }), expected);
    const domain = { ...DOMAIN, verifyingContract: name };
    await expectSameFailure(online, sign(domain, TRANSFER, { to: FRIEND, amount: 5 }), expected);
  });

  const invalid = { code: "INVALID_ARGUMENT" };
  const ambiguous = { code: "INVALID_ARGUMENT", argument: "types", shortMessage: /^ambiguous primary types or unused/ };
  test.each<[string, TypedDataDomain, Types, Value, Record<string, unknown>]>([
    ["EIP712Domain among the types", DOMAIN, { ...TRANSFER, EIP712Domain: [] }, { to: FRIEND, amount: 5 }, ambiguous],
    [
      "two types that nothing refers to",
      DOMAIN,
      { ...TRANSFER, Other: [{ name: "x", type: "uint8" }] },
      { to: FRIEND, amount: 5 },
      ambiguous,
    ],
    ["no types", DOMAIN, {}, {}, { code: "INVALID_ARGUMENT", argument: "types", shortMessage: "missing primary type" }],
    [
      "a type that is not there",
      DOMAIN,
      { Mail: [{ name: "from", type: "Person" }] },
      { from: {} },
      { code: "INVALID_ARGUMENT", argument: "types", shortMessage: 'unknown type "Person"' },
    ],
    [
      "a number that does not fit",
      DOMAIN,
      { Small: [{ name: "x", type: "uint8" }] },
      { x: 256 },
      { code: "INVALID_ARGUMENT", argument: "value", shortMessage: "value out-of-bounds for uint8" },
    ],
    [
      "bytes of another length",
      DOMAIN,
      { Fixed: [{ name: "x", type: "bytes4" }] },
      { x: "0x010203" },
      { code: "INVALID_ARGUMENT", argument: "value", shortMessage: "invalid length for bytes4" },
    ],
    [
      "an unknown entry of the domain",
      { ...DOMAIN, expiry: 5 } as TypedDataDomain,
      TRANSFER,
      { to: FRIEND, amount: 5 },
      { code: "INVALID_ARGUMENT", argument: "domain", shortMessage: /^invalid typed-data domain key: "expiry"/ },
    ],
    ["a missing value", DOMAIN, TRANSFER, { to: FRIEND }, { ...invalid, shortMessage: "invalid BigNumberish value" }],
    ["a missing array", DOMAIN, ORDER, { ...ORDER_VALUE, items: undefined }, { name: "TypeError", code: undefined }],
    ["an array of another length", DOMAIN, ORDER, { ...ORDER_VALUE, pair: [1] }, { ...invalid, argument: "value" }],
    ["no value", DOMAIN, TRANSFER, null as unknown as Value, { name: "TypeError", code: undefined }],
    [
      "an address with a bad checksum",
      DOMAIN,
      TRANSFER,
      { to: FRIEND.replace("f", "F"), amount: 5 },
      { ...invalid, shortMessage: "bad address checksum" },
    ],
  ])("%s: refused", async (_name, domain, types, value, expected) => {
    const { shortMessage } = expected;
    const asMatcher = shortMessage instanceof RegExp ? expect.stringMatching(shortMessage) : shortMessage;
    const facts = shortMessage === undefined ? expected : { ...expected, shortMessage: asMatcher };
    await expectSameFailure(context().offline, sign(domain, types, value), facts);
  });
}
