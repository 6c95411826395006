// What an application of viem in TypeScript does. viem declares ES modules only for node16: it is compiled and run as one.

import assert from "node:assert/strict";
import { getBytes, SigningKey, Wallet } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { toViemAccount } from "ethers-hsm/viem";
import { createWalletClient, custom, parseTransaction, recoverTransactionAddress, verifyMessage } from "viem";

async function main(): Promise<void> {
  const wallet = Wallet.createRandom();
  const key = new SigningKey(wallet.privateKey);
  const signer = new RemoteSigner({
    backend: "memory",
    id: "only",
    getPublicKey: async () => getBytes(key.publicKey),
    signDigest: async (digest: Uint8Array) => {
      const { r, s } = key.sign(digest);
      return { r: BigInt(r), s: BigInt(s) };
    },
  });
  const account = await toViemAccount(signer);
  const client = createWalletClient({ account, transport: custom({ request: async () => "0x1" }) });
  const signature = await client.signMessage({ message: "hello" });
  assert(await verifyMessage({ address: account.address, message: "hello", signature }));
  const serialized = await account.signTransaction({ type: "eip1559", chainId: 1, nonce: 7 });
  const serializedTransaction = serialized as `0x02${string}`;
  assert.equal(parseTransaction(serializedTransaction).nonce, 7);
  assert.equal(await recoverTransactionAddress({ serializedTransaction }), wallet.address);
}

void main();
