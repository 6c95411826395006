import type { Signer, TransactionReceipt } from "ethers";

/**
 * Sends ETH in an EIP-1559 transaction, and waits until a block has it.
 *
 * ethers fills in the nonce, the fees and the gas limit by the signer's provider. It rejects with CALL_EXCEPTION where
 * the transaction was mined and reverted, and with TIMEOUT where no block has it in time: it may still be mined then,
 * so look for `response.hash` before you send again.
 *
 * @param wei 1 ETH is 10^18.
 */
export async function sendEth(signer: Signer, to: string, wei: bigint): Promise<TransactionReceipt> {
  const response = await signer.sendTransaction({ type: 2, to, value: wei });
  const receipt = await response.wait(1, 120_000);
  if (!receipt) throw new Error(`${response.hash} has no receipt`);
  return receipt;
}
