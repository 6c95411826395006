import { describe, expect, test } from "@jest/globals";
import { getBytes, id, SigningKey, verifyMessage, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { gate, rejection, signerError } from "./rejection.ts";

const PRIVATE_KEY = id("identity");
const { address, signingKey } = new Wallet(PRIVATE_KEY);
const PUBLIC_KEY = getBytes(signingKey.publicKey);

describe("the public key", () => {
  test("is 65 bytes in hex, and leads to the address", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    expect(await signer.getPublicKey()).toBe(signingKey.publicKey);
    expect(await signer.getPublicKey()).toMatch(/^0x04[0-9a-f]{128}$/);
    expect(await signer.getAddress()).toBe(address);
  });

  test("is fetched once, whatever is asked and through whichever copy", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const copy = signer.connect(null);
    await signer.getAddress();
    await copy.getAddress();
    await copy.connect(null).getPublicKey();
    await signer.signMessage("one");
    await copy.signTransaction({ from: address });
    await copy.authorize({ address, nonce: 0, chainId: 0 });
    await signer.signTypedData({}, { A: [{ name: "x", type: "uint8" }] }, { x: 1 });
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: 4 });
  });

  test("is fetched once by 100 first calls at the same time", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const signatures = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 ? signer : signer.connect(null)).signMessage(`${index}`)),
    );
    for (const [index, signature] of signatures.entries()) expect(verifyMessage(`${index}`, signature)).toBe(address);
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: 100 });
  });

  test("stays what it was when the backend writes into its buffer", async () => {
    const buffer = PUBLIC_KEY.slice();
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onFetch: async () => buffer }));
    expect(await signer.getAddress()).toBe(address);
    buffer.fill(0);
    expect(await signer.getPublicKey()).toBe(signingKey.publicKey);
    expect(verifyMessage("still", await signer.signMessage("still"))).toBe(address);
  });

  test("may come as a Buffer", async () => {
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onFetch: async () => Buffer.from(PUBLIC_KEY) }));
    expect(await signer.getAddress()).toBe(address);
  });
});

describe("a failed fetch", () => {
  test("is not kept: the next call asks again", async () => {
    let fetches = 0;
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: async (honest) => {
        fetches++;
        if (fetches <= 2) throw new Error("not yet");
        return honest.getPublicKey();
      },
    });
    const signer = new RemoteSigner(key);
    await signerError(signer.getAddress(), "BACKEND_UNAVAILABLE");
    await signerError(signer.signMessage("x"), "BACKEND_UNAVAILABLE");
    expect(key.honest.signatures).toBe(0);
    expect(verifyMessage("x", await signer.signMessage("x"))).toBe(address);
    await signer.getAddress();
    expect(fetches).toBe(3);
  });

  test("fails every call that shares it, with one request", async () => {
    const { opened, open } = gate();
    let fetches = 0;
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: async () => {
        fetches++;
        await opened;
        throw new Error("down");
      },
    });
    const signer = new RemoteSigner(key);
    const calls = Array.from({ length: 10 }, () =>
      signerError(signer.connect(null).getAddress(), "BACKEND_UNAVAILABLE"),
    );
    open();
    await Promise.all(calls);
    expect(fetches).toBe(1);
    key.onFetch = undefined;
    expect(await signer.getAddress()).toBe(address);
  });

  test("of one signer is no matter of another key's", async () => {
    const broken = new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(new Error("down")) }));
    const healthy = new RemoteSigner(new MemoryKey(id("another")));
    await signerError(broken.getAddress(), "BACKEND_UNAVAILABLE");
    expect(await healthy.getAddress()).toBe(new Wallet(id("another")).address);
  });
});

describe("an answer that is no uncompressed point of secp256k1 is refused", () => {
  const changed = (index: number, value: number) => PUBLIC_KEY.with(index, value);
  test.each<[string, unknown]>([
    ["nothing", new Uint8Array(0)],
    ["compressed", getBytes(signingKey.compressedPublicKey)],
    ["without its prefix", PUBLIC_KEY.slice(1)],
    ["one byte short", PUBLIC_KEY.slice(0, 64)],
    ["one byte long", new Uint8Array([...PUBLIC_KEY, 0])],
    ["DER around it", new Uint8Array([0x04, 0x41, ...PUBLIC_KEY])],
    ["the prefix of a compressed point", changed(0, 2)],
    ["the prefix of a hybrid point", changed(0, 6 + ((PUBLIC_KEY[64] ?? 0) & 1))],
    ["off the curve", changed(64, (PUBLIC_KEY[64] ?? 0) ^ 1)],
    ["zeros", new Uint8Array(65)],
    ["the point at infinity", new Uint8Array([0])],
    ["x beyond the field", changed(0, 4).fill(0xff, 1, 33)],
    ["hex", signingKey.publicKey],
    ["an array of numbers", [...PUBLIC_KEY]],
    ["an ArrayBuffer", PUBLIC_KEY.slice().buffer],
    ["null", null],
    ["undefined", undefined],
    ["an object", { publicKey: PUBLIC_KEY }],
  ])("%s", async (_name, answer) => {
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: async () => answer as Uint8Array });
    const signer = new RemoteSigner(key);
    const error = await signerError(signer.getAddress(), "BACKEND_RESPONSE_INVALID");
    expect(error).toMatchObject({
      backend: "faulty",
      keyId: "faulty-key",
      operation: "getPublicKey",
      retryable: false,
    });
    await signerError(signer.signMessage("x"), "BACKEND_RESPONSE_INVALID");
    expect(key.honest.signatures).toBe(0);
    key.onFetch = undefined;
    expect(await signer.getAddress()).toBe(address);
  });
});

describe("expectedAddress", () => {
  const other = new Wallet(id("another"));

  test.each([
    ["with its checksum", address],
    ["in lower case", address.toLowerCase()],
    ["in upper case", `0x${address.slice(2).toUpperCase()}`],
  ])("%s is accepted", async (_name, expectedAddress) => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { expectedAddress });
    expect(await signer.getAddress()).toBe(address);
    expect(verifyMessage("x", await signer.signMessage("x"))).toBe(address);
  });

  test("of another key: nothing is signed", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key, null, { expectedAddress: other.address.toLowerCase() });
    const calls = [
      () => signer.getAddress(),
      () => signer.getPublicKey(),
      () => signer.signDigest(id("x")),
      () => signer.signMessage("x"),
      () => signer.signTransaction({}),
      () => signer.connect(null).authorize({ address, nonce: 0, chainId: 0 }),
    ];
    for (const call of calls) {
      const error = await signerError(call(), "ADDRESS_MISMATCH");
      expect(error.info).toEqual({ expected: other.address, actual: address });
      expect(error).toMatchObject({ backend: "memory", keyId: "memory-key", retryable: false });
      expect(error.message).toContain(address);
      expect(error.message).toContain(other.address);
    }
    expect(key.signatures).toBe(0);
  });

  test("holds for a signer made of the signer", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { expectedAddress: other.address });
    await signerError(new RemoteSigner(signer).getAddress(), "ADDRESS_MISMATCH");
  });

  test.each([
    ["a bad checksum", address.replace(/[a-f]/, (letter) => letter.toUpperCase()), "bad address checksum"],
    ["a short one", address.slice(0, -1), "invalid address"],
    ["a name", "account.eth", "invalid address"],
    ["an empty string", "", "invalid address"],
  ])("%s is refused at construction", async (_name, expectedAddress, shortMessage) => {
    const construct = async () => new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { expectedAddress });
    const error = await rejection(construct());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "address", shortMessage });
  });
});

test("two keys of the same point are told apart by nothing but their signers", async () => {
  const signers = [new RemoteSigner(new MemoryKey(PRIVATE_KEY)), new RemoteSigner(new MemoryKey(PRIVATE_KEY))];
  const keys = await Promise.all(signers.map((signer) => signer.getPublicKey()));
  expect(new Set(keys)).toEqual(new Set([SigningKey.computePublicKey(PRIVATE_KEY)]));
});
