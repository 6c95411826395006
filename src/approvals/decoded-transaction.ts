import { formatEther, Transaction, verifyAuthorization } from "ethers";
import { refuse } from "./json.ts";

/** EIP-4844, "Parameters": GAS_PER_BLOB. */
const GAS_PER_BLOB = 131_072n;

/** An unsigned transaction for people: wei in decimal digits, and in ether beside it where a person must judge it. */
export interface DecodedTransaction {
  /** 0 legacy, 1 EIP-2930, 2 EIP-1559, 3 EIP-4844, 4 EIP-7702. */
  readonly type: number;
  /** Decimal digits. Null for a legacy transaction without EIP-155: any chain takes it. */
  readonly chainId: string | null;
  /** The account's nonce. */
  readonly nonce: number;
  /** Null where it creates a contract. */
  readonly to: string | null;
  /** Wei. */
  readonly value: string;
  /** The same in ether: `"1.5"`. */
  readonly valueEther: string;
  /** In units of gas, decimal. */
  readonly gasLimit: string;
  /** Wei per gas: types 0 and 1. */
  readonly gasPrice?: string;
  /** Wei per gas: types 2, 3 and 4. */
  readonly maxFeePerGas?: string;
  /** In wei per gas, decimal; types 2, 3 and 4. */
  readonly maxPriorityFeePerGas?: string;
  /** Wei per blob gas: type 3. */
  readonly maxFeePerBlobGas?: string;
  /** The most that fees can cost, in ether: the gas limit times its price, and the blobs'. */
  readonly maxFeeEther: string;
  /** Lower-case hex. */
  readonly data: string;
  /** EIP-2930: types 1 to 4. */
  readonly accessList?: readonly { readonly address: string; readonly storageKeys: readonly string[] }[];
  /** EIP-4844: type 3. */
  readonly blobVersionedHashes?: readonly string[];
  /** EIP-7702: type 4. */
  readonly authorizationList?: readonly DecodedAuthorization[];
}

/** An authorization inside a transaction, which is signed already. */
export interface DecodedAuthorization {
  /** Decimal digits; `"0"` holds on every chain. */
  readonly chainId: string;
  /** The contract whose code the authority is to run. */
  readonly address: string;
  /** The authority's nonce, decimal. */
  readonly nonce: string;
  /** Whose account it is, from the signature; null where the signature gives none. */
  readonly authority: string | null;
}

/**
 * Decodes an unsigned serialization.
 *
 * @throws ethers' INVALID_ARGUMENT where it is none, is signed, carries blobs, or is not the one canonical encoding of what it
 *   says: a node would hash something else.
 */
export function decodeTransaction(unsigned: string): DecodedTransaction {
  const transaction = parseUnsigned(unsigned);
  const { chainId, gasPrice, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } = transaction;
  // One that was parsed has a type, and the fees of that type.
  const type = transaction.type as number;
  const { accessList, blobVersionedHashes, authorizationList } = transaction;
  return {
    type,
    chainId: type === 0 && chainId === 0n ? null : `${chainId}`,
    nonce: transaction.nonce,
    to: transaction.to,
    value: `${transaction.value}`,
    valueEther: formatEther(transaction.value),
    gasLimit: `${transaction.gasLimit}`,
    ...(type >= 2
      ? { maxFeePerGas: `${maxFeePerGas}`, maxPriorityFeePerGas: `${maxPriorityFeePerGas}` }
      : { gasPrice: `${gasPrice}` }),
    ...(type === 3 ? { maxFeePerBlobGas: `${maxFeePerBlobGas}` } : {}),
    maxFeeEther: formatEther(maxFee(transaction)),
    data: transaction.data,
    ...(accessList ? { accessList: accessList.map(({ address, storageKeys }) => ({ address, storageKeys })) } : {}),
    ...(blobVersionedHashes ? { blobVersionedHashes } : {}),
    ...(authorizationList ? { authorizationList: authorizationList.map(decodeAuthorization) } : {}),
  };
}

function parseUnsigned(unsigned: string): Transaction {
  let transaction: Transaction;
  let again: string;
  try {
    transaction = Transaction.from(unsigned);
    again = transaction.unsignedSerialized;
  } catch {
    refuse("content: unsigned is not a transaction of type 0 to 4");
  }
  // Also where it is signed.
  if (again !== unsigned) {
    refuse("content: unsigned is not the canonical serialization of an unsigned transaction");
  }
  return transaction;
}

function maxFee({ gasLimit, gasPrice, maxFeePerGas, maxFeePerBlobGas, blobVersionedHashes }: Transaction): bigint {
  const blobGas = GAS_PER_BLOB * BigInt(blobVersionedHashes?.length ?? 0);
  return gasLimit * ((maxFeePerGas ?? gasPrice) as bigint) + blobGas * (maxFeePerBlobGas ?? 0n);
}

function decodeAuthorization(entry: NonNullable<Transaction["authorizationList"]>[number]): DecodedAuthorization {
  const { chainId, address, nonce, signature } = entry;
  return { chainId: `${chainId}`, address, nonce: `${nonce}`, authority: recover() };

  function recover(): string | null {
    try {
      return verifyAuthorization(entry, signature);
    } catch {
      // Nodes skip such an entry (EIP-7702, "Behavior").
      return null;
    }
  }
}
