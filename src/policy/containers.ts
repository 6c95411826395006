import { ZeroAddress } from "ethers";
import type { SignRequest, TransactionSignRequest } from "../signer/sign-request.ts";
import type { Fields } from "./abi.ts";
import { type ContractFunction, decodeArguments, parseFunction } from "./calldata.ts";

type Inner = Pick<TransactionSignRequest, "to" | "value" | "data">;
type Read = (args: Fields, outer: TransactionSignRequest) => readonly Inner[];

interface Container {
  readonly called: ContractFunction;
  /** undefined: what it carries cannot be decoded. */
  readonly read?: Read | undefined;
}

/** Calls within calls within calls: no contract in use needs more. */
const MAX_DEPTH = 8;

/** A contract that calls itself: each call sees the transaction's value. */
const readMulticall: Read = (args, { to, value }) => (args["data"] as string[]).map((data) => ({ to, value, data }));

const readSafe: Read = (args, outer) => {
  const { to, value, data, operation, gasPrice } = args as unknown as Inner & { operation: bigint; gasPrice: bigint };
  if (operation !== 0n) throw new Error("the Safe transaction is a delegatecall");
  if (gasPrice !== 0n || args["gasToken"] !== ZeroAddress) throw new Error("the Safe transaction pays a refund");
  return checkValue([{ to, value, data }], outer, 0n);
};

const readCalls: Read = (args, outer) => {
  const calls = args["calls"] as unknown as { target: string; value?: bigint; callData: string }[];
  const inner = calls.map(({ target, value = 0n, callData }) => ({ to: target, value, data: callData }));
  return checkValue(
    inner,
    outer,
    inner.reduce((sum, { value }) => sum + value, 0n),
  );
};

const readBatch: Read = (args, outer) => {
  const { targets, values, datas } = args as unknown as { targets: string[]; values: bigint[]; datas: string[] };
  if (targets.length !== datas.length || values.length !== datas.length)
    throw new Error("the batch's lists differ in length");
  return checkValue(
    targets.map((to, index) => ({ to, value: values[index] ?? 0n, data: datas[index] ?? "0x" })),
    outer,
    0n,
  );
};

const readExecute: Read = (args, outer) => checkValue([args as unknown as Inner], outer, 0n);

/** What the calls do not pass on would stay in the container's contract, uncounted. */
function checkValue(inner: readonly Inner[], outer: TransactionSignRequest, expected: bigint): readonly Inner[] {
  if (outer.value !== expected) throw new Error("the transaction's value is not what its calls pass on");
  return inner;
}

const CONTAINERS: ReadonlyMap<string, Container> = new Map(
  (
    [
      ["multicall(bytes[] data)", readMulticall],
      ["multicall(uint256 deadline, bytes[] data)", readMulticall],
      ["multicall(bytes32 previousBlockhash, bytes[] data)", readMulticall],
      [
        "execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)",
        readSafe,
      ],
      // Multicall3.
      ["aggregate((address target, bytes callData)[] calls)", readCalls],
      ["tryAggregate(bool requireSuccess, (address target, bytes callData)[] calls)", readCalls],
      ["aggregate3((address target, bool allowFailure, bytes callData)[] calls)", readCalls],
      ["aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[] calls)", readCalls],
      // Accounts of ERC-4337.
      ["execute(address to, uint256 value, bytes data)", readExecute],
      ["executeBatch(address[] targets, uint256[] values, bytes[] datas)", readBatch],
      // Packed, or by commands of their own: Safe's MultiSend and modules, Universal Router, ERC-7579.
      ["multiSend(bytes transactions)"],
      ["execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation)"],
      ["execute(bytes commands, bytes[] inputs)"],
      ["execute(bytes commands, bytes[] inputs, uint256 deadline)"],
      ["execute(bytes32 mode, bytes executionCalldata)"],
    ] as const
  ).map(([signature, read]) => {
    const called = parseFunction(signature);
    return [called.selector, { called, read }];
  }),
);

/** Whether calldata carries other calls. */
export function isContainer(data: string): boolean {
  return CONTAINERS.has(data.slice(0, 10));
}

/**
 * The calls that a transaction carries, each as a request of its own with the transaction's other fields; empty if it carries none.
 *
 * @throws an error if they cannot be decoded.
 */
export function innerRequests(request: SignRequest): readonly TransactionSignRequest[] {
  if (request.kind !== "transaction" || request.to === null) return [];
  const container = CONTAINERS.get(request.data.slice(0, 10));
  if (!container) return [];
  const { called, read } = container;
  if (!read) throw new Error(`the calls of ${called.fragment.name} cannot be decoded`);
  return read(decodeArguments(called, request.data), request).map((inner) => ({ ...request, ...inner }));
}

/** The request and all calls that it carries, at any depth. @throws as {@link innerRequests} does. */
export function allRequests(request: SignRequest, depth = 0): readonly SignRequest[] {
  if (depth > MAX_DEPTH) throw new Error(`calls are nested more than ${MAX_DEPTH} times`);
  return [request, ...innerRequests(request).flatMap((inner) => allRequests(inner, depth + 1))];
}
