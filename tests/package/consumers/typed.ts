// What an application written in TypeScript does. It is compiled as an ES module and as CommonJS, and run as both, with:
//   PKCS11_LIBRARY=… WITH_PEERS=true|false node typed.js
// The library is SoftHSM2's, and has a token "consumer" with the PIN user:password and a key "treasury".

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { getBytes, hexlify, SigningKey, Transaction, toUtf8Bytes, verifyMessage, Wallet } from "ethers";
import { isSignerError, type RemoteKey, RemoteSigner, SignerError } from "ethers-hsm";
import { CloudHsmSigner } from "ethers-hsm/cloudhsm";
import { createProvider } from "ethers-hsm/eip1193";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";

class MemoryKey implements RemoteKey {
  readonly backend = "memory";
  readonly id = "only";
  readonly #key: SigningKey;

  constructor(privateKey: string) {
    this.#key = new SigningKey(privateKey);
  }

  async getPublicKey(): Promise<Uint8Array> {
    return getBytes(this.#key.publicKey);
  }

  async signDigest(digest: Uint8Array): Promise<{ r: bigint; s: bigint }> {
    const { r, s } = this.#key.sign(digest);
    return { r: BigInt(r), s: BigInt(s) };
  }
}

async function signsLikeAWallet(): Promise<void> {
  const wallet = Wallet.createRandom();
  const signer = new RemoteSigner(new MemoryKey(wallet.privateKey));
  const transaction = {
    type: 2,
    chainId: 1,
    nonce: 7,
    gasLimit: 21_000,
    maxFeePerGas: 9,
    to: wallet.address,
    value: 1n,
  };
  const signed = Transaction.from(await signer.signTransaction(transaction));
  assert.equal(signed.from, wallet.address);
  assert.equal(verifyMessage("hello", await signer.signMessage("hello")), wallet.address);
}

async function providesAccounts(): Promise<void> {
  const wallet = Wallet.createRandom();
  const signer = new RemoteSigner(new MemoryKey(wallet.privateKey));
  const nowhere = { request: async ({ method }: { method: string }) => assert.fail(`${method} went upstream`) };
  const provider = createProvider({ accounts: [signer], provider: nowhere });
  assert.deepEqual(await provider.request({ method: "eth_accounts" }), [wallet.address.toLowerCase()]);
  const params = [hexlify(toUtf8Bytes("hello")), wallet.address];
  const signature = await provider.request({ method: "personal_sign", params });
  assert.equal(verifyMessage("hello", String(signature)), wallet.address);
}

async function errorsAreKnownAcrossCopies(): Promise<void> {
  const error = await rejection(
    new Pkcs11Signer({ libraryPath: "/nowhere/libpkcs11.so", keyLabel: "treasury" }).getAddress(),
  );
  assert(error instanceof SignerError);
  assert(isSignerError(error, "DEPENDENCY_MISSING"));

  const esModule = await import("ethers-hsm");
  const commonJs: typeof esModule = createRequire(`${process.cwd()}/`)("ethers-hsm");
  assert.notEqual(esModule.SignerError, commonJs.SignerError);
  for (const copy of [esModule, commonJs]) {
    assert(copy.isSignerError(error, "DEPENDENCY_MISSING"));
    assert(isSignerError(new copy.SignerError("THROTTLED", "later"), "THROTTLED"));
  }
}

async function hsmSigners(libraryPath: string, hasPkcs11js: boolean): Promise<void> {
  const key = { libraryPath, tokenLabel: "consumer", pin: "user:password", keyLabel: "treasury" };
  const signers = [
    new Pkcs11Signer(key),
    ...(process.env["ISOLATION"] === "false" ? [] : [new Pkcs11Signer({ ...key, isolation: "process" })]),
    new CloudHsmSigner({
      libraryPath,
      tokenLabel: "consumer",
      user: "user",
      password: "password",
      keyLabel: "treasury",
    }),
  ];
  const names = new Set(signers.map((signer) => signer.constructor.name));
  assert.deepEqual([...names], ["Pkcs11Signer", "CloudHsmSigner"]);
  for (const signer of signers) {
    if (hasPkcs11js) {
      assert.equal(verifyMessage("hello", await signer.signMessage("hello")), await signer.getAddress());
    } else {
      const error = await rejection(signer.getAddress());
      assert(isSignerError(error, "DEPENDENCY_MISSING"), String(error));
      assert.match(error.message, /npm install pkcs11js/);
    }
    await signer.close();
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it must reject"),
    (error: unknown) => error,
  );
}

async function main({ PKCS11_LIBRARY = "", WITH_PEERS }: NodeJS.ProcessEnv): Promise<void> {
  await signsLikeAWallet();
  await providesAccounts();
  await errorsAreKnownAcrossCopies();
  await hsmSigners(PKCS11_LIBRARY, WITH_PEERS === "true");
}

void main(process.env);
