import { deepStrictEqual } from "node:assert";
import { type ParsedCalls, parseCalls } from "../../../src/eip1193/call-batch.ts";
import { ProviderRpcError } from "../../../src/eip1193/errors.ts";
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

type Json = Readonly<Record<string, unknown>>;

const lower = (value: unknown) => (value == null ? undefined : String(value).toLowerCase());
const number = (value: unknown) => (value == null ? undefined : BigInt(String(value)));

/** What a transaction's JSON says, in ethers' words. */
function saidOfTransaction(value: Json): object {
  const { accessList, authorizationList, gasPrice } = value as Record<string, readonly Json[] | undefined>;
  const impliedType = authorizationList ? 4n : gasPrice == null ? undefined : accessList ? 1n : 0n;
  return {
    ...{ from: lower(value["from"]), to: lower(value["to"]), data: lower(value["data"] ?? value["input"]) },
    ...{ type: number(value["type"]) ?? impliedType, nonce: number(value["nonce"]), gasLimit: number(value["gas"]) },
    ...{ gasPrice: number(gasPrice), value: number(value["value"]), chainId: number(value["chainId"]) },
    ...{ maxFeePerGas: number(value["maxFeePerGas"]), maxPriorityFeePerGas: number(value["maxPriorityFeePerGas"]) },
    accessList: accessList?.map(({ address, storageKeys }) => ({ address: lower(address), storageKeys })),
    authorizationList: authorizationList?.map(({ address, nonce, chainId, yParity, r, s }) => ({
      ...{ address: lower(address), nonce: number(nonce), chainId: number(chainId) },
      ...{ yParity: number(yParity), r: number(r), s: number(s) },
    })),
  };
}

function readOfTransaction(output: ParsedTransaction): object {
  const { from, to, data, accessList, authorizationList } = output;
  return {
    ...{ from, to, data },
    ...{ type: number(output.type), nonce: number(output.nonce), gasLimit: output.gasLimit },
    ...{ gasPrice: output.gasPrice, value: output.value, chainId: output.chainId },
    ...{ maxFeePerGas: output.maxFeePerGas, maxPriorityFeePerGas: output.maxPriorityFeePerGas },
    accessList,
    authorizationList: authorizationList?.map(({ address, nonce, chainId, signature }) => {
      const { yParity, r, s } = signature;
      return { address, nonce, chainId, yParity: number(yParity), r: number(r), s: number(s) };
    }),
  };
}

/** What a batch's JSON says. */
function saidOfCalls({ id, from, chainId, calls }: Json): object {
  const said = (calls as readonly Json[]).map(({ to, data, value }) => ({
    ...{ to: lower(to), data: data ?? undefined, value: number(value) },
  }));
  return { id, from: lower(from), chainId: number(chainId), calls: said };
}

function readOfCalls({ id, from, chainId, calls }: ParsedCalls): object {
  return { id, from, chainId, calls: calls.map(({ to, data, value }) => ({ to, data, value: number(value) })) };
}

/** The object of eth_sendTransaction, or of wallet_sendCalls: everything that is read is what the text says. */
export const target: FuzzTarget<ParsedTransaction | ParsedCalls> = {
  maxLength: 65_536,
  seeds: () => REQUESTS.map((request) => bytesOf(JSON.stringify(request))),
  decode(input) {
    const value = jsonOf(input);
    return isBatch(value) ? parseCalls(value) : parseTransaction(value);
  },
  allows: (error) => error instanceof ProviderRpcError,
  confirm(input, output) {
    const value = jsonOf(input) as Json;
    if (isBatch(value)) deepStrictEqual(readOfCalls(output as ParsedCalls), saidOfCalls(value));
    else deepStrictEqual(readOfTransaction(output as ParsedTransaction), saidOfTransaction(value));
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
