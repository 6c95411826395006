import { describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { gate, signerError, turn } from "./rejection.ts";

const PRIVATE_KEY = id("closing");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");

const everyCall = (signer: RemoteSigner): (() => Promise<unknown>)[] => [
  () => signer.getAddress(),
  () => signer.getPublicKey(),
  () => signer.signDigest(DIGEST),
  () => signer.signMessage("x"),
  () => signer.signTransaction({}),
  () => signer.signTransaction({ from: address }),
  () => signer.signTypedData({}, { A: [{ name: "x", type: "uint8" }] }, { x: 1 }),
  () => signer.authorize({ address, nonce: 0, chainId: 0 }),
];

describe("close", () => {
  test("closes the key exactly once, whoever closes and however often", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const copy = signer.connect(null);
    await Promise.all([signer.close(), copy.close(), new RemoteSigner(copy).close()]);
    await signer.close();
    expect(key.closings).toBe(1);
  });

  test.each([
    ["before its first call", false],
    ["after use", true],
  ])("%s makes every later call fail, also of copies", async (_name, used) => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const copy = signer.connect(null);
    if (used) await copy.signMessage("x");
    const { publicKeyFetches, signatures } = key;
    await copy.close();
    for (const each of [signer, copy, signer.connect(null), new RemoteSigner(signer)]) {
      for (const call of everyCall(each)) {
        const error = await signerError(call(), "SIGNER_CLOSED");
        expect(error).toMatchObject({ backend: "memory", keyId: "memory-key", retryable: false });
      }
    }
    expect(key).toMatchObject({ publicKeyFetches, signatures, closings: 1 });
  });

  test("takes effect at the call, not once the key has closed", async () => {
    const closed = gate();
    const key = new FaultyKey(PRIVATE_KEY);
    key.close = () => closed.opened;
    const signer = new RemoteSigner(key);
    const closing = signer.close();
    await signerError(signer.signDigest(DIGEST), "SIGNER_CLOSED");
    closed.open();
    await closing;
  });

  test("lets a signature that is under way finish", async () => {
    const started = gate();
    const answered = gate();
    const key = new FaultyKey(PRIVATE_KEY, {
      onSign: async (honest, digest) => {
        started.open();
        await answered.opened;
        return honest.signDigest(digest);
      },
    });
    const signer = new RemoteSigner(key);
    const signing = signer.signDigest(DIGEST);
    await started.opened;
    const closing = signer.close();
    answered.open();
    expect(recoverAddress(DIGEST, await signing)).toBe(address);
    await closing;
  });

  test("during the first fetch ends in no signature", async () => {
    const fetched = gate();
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: async (honest) => fetched.opened.then(() => honest.getPublicKey()),
    });
    const signer = new RemoteSigner(key);
    const signing = signerError(signer.signDigest(DIGEST), "SIGNER_CLOSED");
    await turn();
    const closing = signer.close();
    fetched.open();
    await signing;
    await closing;
    expect(key.honest.signatures).toBe(0);
  });

  test("does nothing where the key has nothing to close", async () => {
    const honest = new MemoryKey(PRIVATE_KEY);
    const key = {
      backend: "bare",
      id: "key",
      getPublicKey: () => honest.getPublicKey(),
      signDigest: (digest: Uint8Array) => honest.signDigest(digest),
    };
    const signer = new RemoteSigner(key);
    expect(await signer.getAddress()).toBe(address);
    await signer.close();
    await signerError(signer.getAddress(), "SIGNER_CLOSED");
  });

  test("of a key that fails says so each time, in the signer's terms", async () => {
    const original = new Error("C_CloseSession failed");
    const key = new FaultyKey(PRIVATE_KEY);
    key.close = () => Promise.reject(original);
    const signer = new RemoteSigner(key);
    for (const each of [signer, signer.connect(null)]) {
      const error = await signerError(each.close(), "BACKEND_UNAVAILABLE");
      expect(error).toMatchObject({ backend: "faulty", keyId: "faulty-key" });
      expect(error.cause).toBe(original);
    }
    await signerError(signer.getAddress(), "SIGNER_CLOSED");
  });

  test("of a key that never answers times out", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    key.close = never;
    const signer = new RemoteSigner(key, null, { timeout: 50 });
    await signerError(signer.close(), "BACKEND_TIMEOUT");
    await signerError(signer.getAddress(), "SIGNER_CLOSED");
  });

  test("of one signer leaves other signers of the same account alone", async () => {
    const first = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const second = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    await first.close();
    expect(recoverAddress(DIGEST, await second.signDigest(DIGEST))).toBe(address);
  });
});
