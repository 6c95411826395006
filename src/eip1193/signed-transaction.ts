import { type Signature, type Transaction, toBeHex, toQuantity } from "ethers";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";

/** A signed transaction as geth shows it beside its bytes: quantities and data in JSON-RPC's hex. */
export function describeTransaction(transaction: Transaction): Record<string, unknown> {
  const { type, nonce, to, gasLimit, value, data, chainId, accessList, authorizationList, hash, signature } =
    transaction;
  if (type === null || signature === null) {
    throw new ProviderRpcError(RPC_CODES.internal, "the account's signer returned a transaction without a signature");
  }
  return {
    type: toQuantity(type),
    chainId: toQuantity(chainId),
    nonce: toQuantity(nonce),
    to: to?.toLowerCase() ?? null,
    gas: toQuantity(gasLimit),
    ...fees(transaction),
    value: toQuantity(value),
    input: data,
    ...(accessList ? { accessList } : {}),
    ...(authorizationList
      ? {
          authorizationList: authorizationList.map((each) => ({
            address: each.address.toLowerCase(),
            chainId: toQuantity(each.chainId),
            nonce: toQuantity(each.nonce),
            ...numbers(each.signature),
          })),
        }
      : {}),
    v: toQuantity(type === 0 ? (signature.networkV ?? signature.v) : signature.yParity),
    ...(type === 0 ? withoutParity(signature) : numbers(signature)),
    hash,
  };
}

function fees({ gasPrice, maxFeePerGas, maxPriorityFeePerGas }: Transaction): Record<string, string> {
  if (maxFeePerGas === null || maxPriorityFeePerGas === null) return { gasPrice: toQuantity(gasPrice ?? 0) };
  return { maxFeePerGas: toQuantity(maxFeePerGas), maxPriorityFeePerGas: toQuantity(maxPriorityFeePerGas) };
}

function numbers(signature: Signature): Record<string, string> {
  return { yParity: toQuantity(signature.yParity), ...withoutParity(signature) };
}

// Quantities, as a transaction's fields; the typed-data and message signatures are 65 bytes of data instead.
function withoutParity({ r, s }: Signature): Record<string, string> {
  return { r: toQuantity(toBeHex(r)), s: toQuantity(toBeHex(s)) };
}
