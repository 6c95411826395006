import { notStrictEqual, strictEqual } from "node:assert";
import { TypedDataEncoder } from "ethers";
import { hashTypedData } from "viem";
import { ProviderRpcError } from "../../../src/eip1193/errors.ts";
import { type ParsedTypedData, parseTypedData } from "../../../src/eip1193/typed-data.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const ADDRESS = "0x00000000000000000000000000000000deadbeef";
const DOMAIN = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
  { name: "salt", type: "bytes32" },
];
const MAIL = {
  types: {
    EIP712Domain: DOMAIN,
    Mail: [
      { name: "from", type: "Person" },
      { name: "to", type: "Person[]" },
      { name: "amounts", type: "uint64[2]" },
      { name: "data", type: "bytes" },
      { name: "tag", type: "bytes4" },
      { name: "open", type: "bool" },
    ],
    Person: [
      { name: "name", type: "string" },
      { name: "wallet", type: "address" },
    ],
  },
  primaryType: "Mail",
  domain: { name: "Mail", version: "1", chainId: "0x1", verifyingContract: ADDRESS, salt: `0x${"5a".repeat(32)}` },
  message: {
    from: { name: "Alice", wallet: ADDRESS },
    to: [{ name: "Bob", wallet: ADDRESS }],
    amounts: ["1", 2],
    data: "0x00ff",
    tag: "0x01020304",
    open: true,
  },
};
const SMALL = {
  types: { EIP712Domain: DOMAIN.slice(0, 1), Note: [{ name: "text", type: "string" }], Unused: [] },
  primaryType: "Note",
  domain: { name: "Notes" },
  message: { text: "hello" },
};

/**
 * viem's digest; undefined where it does not take the data, since it is stricter in places, and where it takes another view:
 * bytes that begin with 0X are hex for ethers, and text for viem.
 */
function theirDigest(input: Uint8Array, chainId: bigint | undefined): string | undefined {
  const read = jsonOf(input) as { domain: object };
  const data = { ...read, domain: { ...read.domain, chainId } };
  if (JSON.stringify(data, (_, value) => (typeof value === "bigint" ? `${value}` : value)).includes('"0X'))
    return undefined;
  try {
    return hashTypedData(data as never);
  } catch {
    return undefined;
  }
}

/** The typed data of eth_signTypedData_v4, as an application sends it: what is read has the digest that viem computes. */
export const target: FuzzTarget<ParsedTypedData> = {
  maxLength: 16_384,
  // ethers hashes each struct, and its type, to see whether the data fits: that is the digest itself.
  msPerKilobyte: 4,
  seeds: () =>
    [MAIL, SMALL].map((data) => {
      const seed = bytesOf(JSON.stringify(data));
      // Else nothing would be compared.
      notStrictEqual(theirDigest(seed, parseTypedData(data).chainId), undefined);
      return seed;
    }),
  decode: (input) => parseTypedData(textOf(input)),
  allows: (error) => error instanceof ProviderRpcError,
  confirm(input, { domain, types, message, chainId }) {
    const theirs = theirDigest(input, chainId);
    if (theirs !== undefined) strictEqual(TypedDataEncoder.hash(domain, types, message), theirs);
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
