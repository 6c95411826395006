import { deepStrictEqual } from "node:assert";
import { type ParsedCalls, parseCalls } from "../../../src/eip1193/calls-request.ts";
import { ProviderRpcError } from "../../../src/eip1193/rpc-error.ts";
import { type ParsedTransaction, parseTransaction } from "../../../src/eip1193/transaction-request.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const ADDRESS = "0x00000000000000000000000000000000deadbeef";
const WORD = `0x${"ab".repeat(32)}`;
const BASE = {
  from: ADDRESS,
  to: ADDRESS,
  value: "0xde0b6b3a7640000",
  data: "0xa9059cbb",
  gas: "0x5208",
  nonce: "0x0",
};
const AUTHORIZATION = { address: ADDRESS, nonce: "0x1", chainId: "0x1", yParity: "0x1", r: "0x1", s: "0x2" };
const REQUESTS = [
  { ...BASE, gasPrice: "0x3b9aca00", chainId: "0x1", type: "0x0" },
  { ...BASE, gasPrice: "0x1", accessList: [{ address: ADDRESS, storageKeys: [WORD] }] },
  { ...BASE, maxFeePerGas: "0x2", maxPriorityFeePerGas: "0x1", type: "0x2", input: "0xa9059cbb" },
  { ...BASE, authorizationList: [AUTHORIZATION] },
  { from: ADDRESS, data: "0x6000" },
  { version: "2.0.0", id: "a", from: ADDRESS, chainId: "0x1", atomicRequired: false, calls: [{ to: ADDRESS }, BASE] },
  {
    version: "2.0.0",
    chainId: "0x1",
    atomicRequired: true,
    calls: [{ data: "0x00" }],
    capabilities: { x: { optional: true } },
  },
];

const isBatch = (value: unknown) => typeof value === "object" && value !== null && "calls" in value;

/** The object of eth_sendTransaction, or of wallet_sendCalls: no number of the result differs from the text's. */
export const target: FuzzTarget<ParsedTransaction | ParsedCalls> = {
  maxLength: 65_536,
  seeds: () => REQUESTS.map((request) => bytesOf(JSON.stringify(request))),
  decode(input) {
    const value = jsonOf(input);
    return isBatch(value) ? parseCalls(value) : parseTransaction(value);
  },
  allows: (error) => error instanceof ProviderRpcError,
  confirm(input, output) {
    const value = jsonOf(input) as Record<string, string | null>;
    if ("calls" in output) return;
    for (const [theirs, ours] of [
      ["value", output.value],
      ["gas", output.gasLimit],
      ["nonce", output.nonce],
      ["chainId", output.chainId],
      ["maxFeePerGas", output.maxFeePerGas],
    ] as const) {
      deepStrictEqual(
        ours === undefined ? undefined : BigInt(ours),
        value[theirs] == null ? undefined : BigInt(value[theirs]),
      );
    }
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
