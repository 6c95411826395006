import { invalidParams, ProviderRpcError, RPC_CODES } from "./errors.ts";
import { parseAddress, parseArray, parseData, parseObject, parseQuantity, presentEntries } from "./rpc-params.ts";

/** One call of a batch, in JSON-RPC's words. */
export interface Call {
  readonly to?: string;
  readonly data?: string;
  readonly value?: string;
}

export interface ParsedCalls {
  readonly id: string | undefined;
  /** In lower case. */
  readonly from: string | undefined;
  readonly chainId: bigint;
  readonly calls: readonly Call[];
}

const VERSION = "2.0.0";
const MAX_CALLS = 100;
const MAX_ID_LENGTH = 4096;

/**
 * Reads the parameter of wallet_sendCalls (EIP-5792), version 2.0.0. What an account without a contract cannot do is refused
 * with that EIP's own codes: 5760 for several calls that must be atomic, 5700 for a capability that is not optional.
 */
export function parseCalls(parameter: unknown): ParsedCalls {
  const { version, id, from, chainId, atomicRequired, calls, capabilities } = parseObject(parameter, "the batch");
  if (version !== VERSION) throw invalidParams(`the batch's version must be "${VERSION}"`);
  if (id !== undefined && (typeof id !== "string" || id.length > MAX_ID_LENGTH)) {
    throw invalidParams(`the batch's id must be a string of at most ${MAX_ID_LENGTH} characters`);
  }
  if (typeof atomicRequired !== "boolean") throw invalidParams("atomicRequired must be true or false");
  const parsed = parseArray(calls, "calls").map(parseCall);
  if (parsed.length === 0) throw invalidParams("calls must not be empty");
  if (parsed.length > MAX_CALLS) {
    throw new ProviderRpcError(RPC_CODES.bundleTooLarge, `a batch has at most ${MAX_CALLS} calls`);
  }
  if (atomicRequired && parsed.length > 1) {
    throw new ProviderRpcError(RPC_CODES.atomicityUnsupported, "the account sends each call as a separate transaction");
  }
  requireOptional(capabilities);
  return {
    id,
    from: from == null ? undefined : parseAddress(from, "from"),
    chainId: parseQuantity(chainId, "chainId"),
    calls: parsed,
  };
}

function parseCall(value: unknown, index: number): Call {
  const name = `calls[${index}]`;
  const call = parseObject(value, name);
  requireOptional(call["capabilities"]);
  const { to, data, value: wei } = call;
  if (to == null && (data == null || data === "0x")) throw invalidParams(`${name} has neither to nor data`);
  return {
    ...(to == null ? {} : { to: parseAddress(to, `${name}.to`) }),
    ...(data == null ? {} : { data: parseData(data, `${name}.data`) }),
    ...(wei == null ? {} : { value: `0x${parseQuantity(wei, `${name}.value`).toString(16)}` }),
  };
}

/** An application marks the capabilities that it can do without. */
function requireOptional(capabilities: unknown): void {
  if (capabilities == null) return;
  for (const [name, capability] of presentEntries(parseObject(capabilities, "capabilities"))) {
    if (parseObject(capability, `capabilities.${name}`)["optional"] === true) continue;
    throw new ProviderRpcError(RPC_CODES.unsupportedCapability, `the capability ${name} is not supported`);
  }
}

/** The part of a response to eth_getTransactionReceipt that a batch's status has. */
export interface Receipt {
  readonly logs: readonly { readonly address: string; readonly data: string; readonly topics: readonly string[] }[];
  readonly status: string;
  readonly blockHash: string;
  readonly blockNumber: string;
  readonly gasUsed: string;
  readonly transactionHash: string;
}

// EIP-5792, "Status Codes".
const PENDING = 100;
const CONFIRMED = 200;
const REVERTED = 500;
const PARTIAL = 600;

/**
 * The status of a batch and its receipts, in the order of its calls.
 *
 * @param receipts one for each call that was sent, null while it is pending.
 * @param size the number of calls, sent or not.
 */
export function callsStatus(receipts: readonly (Receipt | null)[], size: number): Record<string, unknown> {
  const mined = receipts.filter((receipt) => receipt !== null);
  if (mined.length < receipts.length) return { status: PENDING, receipts: mined.map(shorten) };
  const succeeded = mined.filter(({ status }) => status === "0x1").length;
  const status = succeeded === size ? CONFIRMED : succeeded === 0 ? REVERTED : PARTIAL;
  return { status, receipts: mined.map(shorten) };
}

function shorten({ logs, status, blockHash, blockNumber, gasUsed, transactionHash }: Receipt): Receipt {
  const shortLogs = logs.map(({ address, data, topics }) => ({ address, data, topics }));
  return { logs: shortLogs, status, blockHash, blockNumber, gasUsed, transactionHash };
}
