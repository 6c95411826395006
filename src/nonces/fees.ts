import { assertArgument, type TransactionLike } from "ethers";

type Fees = Pick<TransactionLike, "gasPrice" | "maxFeePerGas" | "maxPriorityFeePerGas" | "maxFeePerBlobGas">;

/** What a node suggests, in wei per gas. */
export interface SuggestedFees {
  readonly gasPrice: bigint;
  readonly maxFee: bigint;
  readonly tip: bigint;
}

/**
 * Fees that every client accepts for a replacement of `previous`: the tip and the cap both raised by 10 %, those of a blob
 * transaction doubled, and at least what the node suggests now.
 *
 * Sources: go-ethereum `txpool.pricebump` 10 and `blobpool.pricebump` 100; Besu `tx-pool-price-bump` 10; Erigon, reth and Nethermind
 * have the same.
 *
 * @throws ethers' INVALID_ARGUMENT if the price would be more than `maxPrice` wei per gas.
 */
export function bumpFees(previous: TransactionLike, suggested: SuggestedFees, maxPrice: bigint | undefined): Fees {
  const isBlob = previous.type === 3;
  const bump = (fee: unknown, suggestion: bigint) => {
    const raised = raise(BigInt((fee ?? 0n) as bigint), isBlob);
    return raised > suggestion ? raised : suggestion;
  };
  const isLegacy = previous.type === 0 || previous.type === 1;
  const price = isLegacy ? bump(previous.gasPrice, suggested.gasPrice) : bump(previous.maxFeePerGas, suggested.maxFee);
  assertArgument(
    maxPrice === undefined || price <= maxPrice,
    `a replacement needs ${price} wei per gas, and maxFeePerGas allows ${maxPrice}`,
    "maxFeePerGas",
    maxPrice,
  );
  if (isLegacy) return { gasPrice: price };
  const tip = bump(previous.maxPriorityFeePerGas, suggested.tip);
  const fees = { maxFeePerGas: price, maxPriorityFeePerGas: least(tip, price) };
  return isBlob ? { ...fees, maxFeePerBlobGas: bump(previous.maxFeePerBlobGas, 0n) } : fees;
}

/** By 10 %, rounded up, and at least 1 wei; a blob transaction's to twice as much. */
function raise(fee: bigint, isBlob: boolean): bigint {
  const raised = isBlob ? 2n * fee : (fee * 11n + 9n) / 10n;
  return raised > fee ? raised : fee + 1n;
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
