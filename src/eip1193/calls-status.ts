/** What eth_getTransactionReceipt answers, as far as a batch's status tells it. */
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
