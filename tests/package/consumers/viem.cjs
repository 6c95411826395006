// What an application of viem in plain CommonJS does.

const assert = require("node:assert/strict");
const { getBytes, SigningKey, Wallet } = require("ethers");
const { RemoteSigner } = require("ethers-hsm");
const { toViemAccount } = require("ethers-hsm/viem");
const { verifyMessage } = require("viem");

async function main() {
  const key = new SigningKey(Wallet.createRandom().privateKey);
  const signer = new RemoteSigner({
    backend: "memory",
    id: "only",
    getPublicKey: async () => getBytes(key.publicKey),
    signDigest: async (/** @type {Uint8Array} */ digest) => {
      const { r, s } = key.sign(digest);
      return { r: BigInt(r), s: BigInt(s) };
    },
  });
  const account = await toViemAccount(signer);
  const signature = await account.signMessage({ message: "hello" });
  assert(await verifyMessage({ address: account.address, message: "hello", signature }));
}

void main();
