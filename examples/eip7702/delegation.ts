import { Interface, type Signer, type TransactionReceipt, ZeroAddress } from "ethers";

const ACCOUNT = new Interface(["function execute((address to, uint256 value, bytes data)[] calls) payable"]);

export interface Call {
  readonly to: string;
  readonly value: bigint;
  /** Hex with 0x. */
  readonly data: string;
}

/**
 * Lets the signer's account run the code of `implementation` from now on (EIP-7702), in a transaction of type 4 of its
 * own.
 *
 * A caller that can make that code act can act as the account, with all that it owns, on this chain: delegate to code that
 * you trust.
 */
export async function delegate(signer: Signer, implementation: string): Promise<TransactionReceipt> {
  const nonce = await signer.getNonce("pending");
  // The transaction itself takes `nonce` before the authorization is looked at.
  const authorization = await signer.authorize({ address: implementation, nonce: nonce + 1 });
  const to = await signer.getAddress();
  const response = await signer.sendTransaction({ type: 4, to, nonce, authorizationList: [authorization] });
  return minedOf(await response.wait());
}

/** Ends the delegation: the account has no code again. What the code wrote to the account's storage stays there. */
export async function revoke(signer: Signer): Promise<TransactionReceipt> {
  return delegate(signer, ZeroAddress);
}

/** Several calls as one transaction of the account to itself: all of them, or none. */
export async function execute(signer: Signer, calls: readonly Call[]): Promise<TransactionReceipt> {
  const to = await signer.getAddress();
  const response = await signer.sendTransaction({ to, data: ACCOUNT.encodeFunctionData("execute", [calls]) });
  return minedOf(await response.wait());
}

function minedOf(receipt: TransactionReceipt | null): TransactionReceipt {
  if (!receipt) throw new Error("the transaction has no receipt");
  return receipt;
}
