// What an application written in plain CommonJS does.

const assert = require("node:assert/strict");
const { getBytes, SigningKey, verifyMessage, Wallet } = require("ethers");
const { isSignerError, RemoteSigner } = require("ethers-hsm");
const { CloudHsmSigner } = require("ethers-hsm/cloudhsm");
const { Pkcs11Signer } = require("ethers-hsm/pkcs11");

async function main() {
  const wallet = Wallet.createRandom();
  const key = new SigningKey(wallet.privateKey);
  const signer = new RemoteSigner({
    backend: "memory",
    id: "only",
    getPublicKey: async () => getBytes(key.publicKey),
    signDigest: async (/** @type {Uint8Array} */ digest) => {
      const { r, s } = key.sign(digest);
      return { r: BigInt(r), s: BigInt(s) };
    },
  });
  assert.equal(verifyMessage("hello", await signer.signMessage("hello")), wallet.address);

  const libraryPath = "/nowhere/libpkcs11.so";
  for (const hsmSigner of [
    new Pkcs11Signer({ libraryPath, keyLabel: "treasury" }),
    new CloudHsmSigner({ libraryPath, user: "user", password: "password", keyLabel: "treasury" }),
  ]) {
    await assert.rejects(hsmSigner.getAddress(), (error) => isSignerError(error, "DEPENDENCY_MISSING"));
  }
}

void main();
