import { Interface, Transaction, type TransactionLike, type TypedDataDomain, type TypedDataField } from "ethers";
import { toSignRequest } from "../../src/signer/read-request.ts";
import type { SignRequest, TransactionSignRequest } from "../../src/signer/sign-request.ts";

export const ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
export const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
export const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
export const OTHER = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

export const erc20 = new Interface([
  "function transfer(address to, uint256 amount)",
  "function transferFrom(address from, address to, uint256 amount)",
  "function approve(address spender, uint256 amount)",
  "function setApprovalForAll(address operator, bool approved)",
  "function multicall(bytes[] data)",
  "function multiSend(bytes transactions)",
  "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)",
  "function aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[] calls)",
  "function mint(uint256 amount)",
]);

/** A transaction of type 2 on chain 1, unless `fields` say otherwise. */
export function transaction(fields: Partial<TransactionLike<string>> = {}): TransactionSignRequest {
  const { unsignedSerialized: unsigned } = Transaction.from({
    ...{
      type: 2,
      chainId: 1,
      nonce: 0,
      to: FRIEND,
      gasLimit: 21_000,
      ...(fields.type === 0 ? {} : { maxFeePerGas: 1n }),
    },
    ...fields,
  });
  return toSignRequest(ACCOUNT, { type: "transaction", unsigned }) as TransactionSignRequest;
}

/** A call of the token. */
export function tokenCall(name: string, args: readonly unknown[], fields: Partial<TransactionLike<string>> = {}) {
  return transaction({ to: TOKEN, data: erc20.encodeFunctionData(name, args), ...fields });
}

export function typed(
  domain: TypedDataDomain,
  primaryType = "Order",
  fields: TypedDataField[] = [{ name: "price", type: "uint256" }],
  value: Record<string, unknown> = { price: 1n },
): SignRequest {
  return toSignRequest(ACCOUNT, { type: "typed-data", domain, types: { [primaryType]: fields }, value });
}

export const text = (message: string): SignRequest =>
  toSignRequest(ACCOUNT, { type: "message", message: new TextEncoder().encode(message) });

export const delegate = (address: string, chainId = 1n): SignRequest =>
  toSignRequest(ACCOUNT, { type: "authorization", address, chainId, nonce: 1n });

export const digest = (problem: string | null = null): SignRequest =>
  Object.freeze({ kind: "digest", account: ACCOUNT, digest: `0x${"11".repeat(32)}`, time: 0, problem });
