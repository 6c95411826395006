import { type Authorization, type TransactionLike, toQuantity } from "ethers";
import { ProviderRpcError, RPC_CODES } from "./errors.ts";
import type { ParsedTransaction } from "./transaction-request.ts";
import type { Upstream } from "./upstream.ts";

type Fees = Pick<TransactionLike, "type" | "gasPrice" | "maxFeePerGas" | "maxPriorityFeePerGas">;

/** The largest blocks in use hold ten billion gas. */
const MAX_GAS = 100_000_000_000n;
/** One gwei, as ethers has it, for nodes that suggest none. */
const DEFAULT_PRIORITY_FEE = 1_000_000_000n;

/**
 * The transaction with the gas and the fees that it lacks, as the upstream estimates and suggests them; without a nonce.
 *
 * @throws ProviderRpcError -32003 if its fee, gas limit × price, may be more than `maxFee` wei.
 */
export async function fillIn(
  upstream: Upstream,
  request: ParsedTransaction,
  maxFee: bigint | undefined,
): Promise<TransactionLike<string>> {
  const { from: _from, nonce: _nonce, ...fields } = request;
  const [gasLimit, fees] = await Promise.all([
    request.gasLimit ?? upstream.quantity("eth_estimateGas", [toRpcTransaction(request)], MAX_GAS),
    findFees(upstream, request),
  ]);
  const fee = gasLimit * BigInt(fees.maxFeePerGas ?? fees.gasPrice ?? 0);
  if (maxFee !== undefined && fee > maxFee) {
    const message = `the transaction may cost ${fee} wei as fee, and the option maxFeePerTransaction allows ${maxFee}`;
    const data = { fee: toQuantity(fee), maxFeePerTransaction: toQuantity(maxFee) };
    throw new ProviderRpcError(RPC_CODES.transactionRejected, message, { data });
  }
  return { ...fields, gasLimit, ...fees };
}

async function findFees(upstream: Upstream, request: ParsedTransaction): Promise<Fees> {
  const { type, accessList, gasPrice, maxFeePerGas: maxFee, maxPriorityFeePerGas: priorityFee } = request;
  const legacyFees = async (of: number) => ({
    type: of,
    gasPrice: gasPrice ?? (await upstream.quantity("eth_gasPrice", [])),
  });
  if (type !== undefined && type < 2) return legacyFees(type);
  if (maxFee !== undefined && priorityFee !== undefined) {
    return { type: type ?? 2, maxFeePerGas: maxFee, maxPriorityFeePerGas: priorityFee };
  }
  const baseFee = await upstream.baseFee();
  if (baseFee === undefined) {
    if (type === undefined && maxFee === undefined && priorityFee === undefined) return legacyFees(accessList ? 1 : 0);
    throw new ProviderRpcError(RPC_CODES.unsupportedMethod, "the chain has no fees of EIP-1559: pass gasPrice instead");
  }
  const wanted = priorityFee ?? (await suggestPriorityFee(upstream));
  const limit = maxFee ?? 2n * baseFee + wanted;
  return { type: type ?? 2, maxFeePerGas: limit, maxPriorityFeePerGas: wanted < limit ? wanted : limit };
}

async function suggestPriorityFee(upstream: Upstream): Promise<bigint> {
  try {
    return await upstream.quantity("eth_maxPriorityFeePerGas", []);
  } catch (error) {
    const { code } = error as ProviderRpcError;
    if (code === RPC_CODES.disconnected || code === RPC_CODES.resourceUnavailable) throw error;
    return DEFAULT_PRIORITY_FEE;
  }
}

/** What the caller asked for, as eth_estimateGas takes it. */
function toRpcTransaction(request: ParsedTransaction): Record<string, unknown> {
  const { from, to, data, accessList, authorizationList } = request;
  const { type, value, gasPrice, maxFeePerGas, maxPriorityFeePerGas, chainId } = request;
  const numbers = { type, value, gasPrice, maxFeePerGas, maxPriorityFeePerGas, chainId };
  const quantities = Object.entries(numbers).flatMap(([name, number]) =>
    number === undefined ? [] : [[name, toQuantity(number)]],
  );
  const authorizations = authorizationList?.map(toRpcAuthorization);
  const optional = Object.entries({ to, data, accessList, authorizationList: authorizations });
  const present = optional.filter(([, field]) => field !== undefined);
  return { from, ...Object.fromEntries(present), ...Object.fromEntries(quantities) };
}

function toRpcAuthorization({ address, nonce, chainId, signature }: Authorization): Record<string, unknown> {
  const { r, s, yParity } = signature;
  const numbers = { nonce, chainId, yParity, r: BigInt(r), s: BigInt(s) };
  const quantities = Object.entries(numbers).map(([name, number]) => [name, toQuantity(number)]);
  return { address, ...Object.fromEntries(quantities) };
}
