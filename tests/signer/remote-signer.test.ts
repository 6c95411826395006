import { describe, expect, test } from "@jest/globals";
import { hashMessage, id, JsonRpcProvider, recoverAddress, verifyMessage, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { rejection, turn } from "./rejection.ts";

const PRIVATE_KEY = id("remote-signer");
const { address, signingKey } = new Wallet(PRIVATE_KEY);

describe("construction", () => {
  test("asks the backend nothing", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    new RemoteSigner(key).connect(null);
    await turn();
    expect(key).toMatchObject({ publicKeyFetches: 0, signatures: 0, closings: 0 });
  });

  test("the provider is null unless given", () => {
    const provider = new JsonRpcProvider("http://127.0.0.1:9");
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY)).provider).toBeNull();
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY), null).provider).toBeNull();
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY), provider).provider).toBe(provider);
    provider.destroy();
  });

  test("backend and keyId are the key's", () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY, "key-7"));
    expect(signer).toMatchObject({ backend: "memory", keyId: "key-7" });
    expect(signer.connect(null)).toMatchObject({ backend: "memory", keyId: "key-7" });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "50"])("timeout %p is refused", (timeout) => {
    const construct = () => new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { timeout: timeout as number });
    expect(construct).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "timeout" }));
  });

  test.each([1, 2 ** 31 - 1, undefined])("timeout %p is accepted", async (timeout) => {
    const key = new MemoryKey(PRIVATE_KEY);
    expect(new RemoteSigner(key, null, { timeout }).provider).toBeNull();
  });

  test("a signer as source shares its key and what is known of it", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const first = new RemoteSigner(key, null, { expectedAddress: address });
    const second = new RemoteSigner(first);
    expect(await second.getAddress()).toBe(address);
    expect(await first.getAddress()).toBe(address);
    expect(verifyMessage("shared", await second.signMessage("shared"))).toBe(address);
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: 1 });
  });
});

describe("signDigest", () => {
  test.each([
    ["a hash", hashMessage("hello")],
    ["zero", `0x${"00".repeat(32)}`],
    ["the order of the curve", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"],
    ["the largest number", `0x${"ff".repeat(32)}`],
  ])("signs %s as it is", async (_name, digest) => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const signature = await signer.signDigest(digest);
    expect(recoverAddress(digest, signature)).toBe(address);
  });

  test("takes bytes or hex", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const bytes = new Uint8Array(32).fill(7);
    expect(recoverAddress(bytes, await signer.signDigest(bytes))).toBe(address);
    expect(recoverAddress(bytes, await signer.signDigest(`0x${"07".repeat(32)}`))).toBe(address);
  });

  test.each<[string, unknown]>([
    ["31 bytes", new Uint8Array(31)],
    ["33 bytes", `0x${"00".repeat(33)}`],
    ["64 bytes", new Uint8Array(64)],
    ["nothing", "0x"],
    ["text", "hello"],
    ["hex without 0x", "07".repeat(32)],
    ["undefined", undefined],
    ["a number", 7],
    ["an array of 32 numbers", Array.from({ length: 32 }, () => 7)],
  ])("%s fails as SigningKey.sign does, and reaches no backend", async (_name, digest) => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const actual = await rejection(signer.signDigest(digest as string));
    const control = await rejection((async () => signingKey.sign(digest as string))());
    const facts = ({ name, code, argument, shortMessage, message }: Record<string, unknown>) => {
      return { name, code, argument, shortMessage, message };
    };
    expect(facts(actual as Record<string, unknown>)).toEqual(facts(control as Record<string, unknown>));
    expect(key).toMatchObject({ publicKeyFetches: 0, signatures: 0 });
  });

  test("the text for a wrong length", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    expect(await rejection(signer.signDigest("0x1234"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      shortMessage: "invalid digest length",
      argument: "digest",
      value: "0x1234",
    });
  });

  test("what the caller does to the digest after the call changes nothing", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const digest = new Uint8Array(32).fill(7);
    const signing = signer.signDigest(digest);
    digest.fill(8);
    expect(recoverAddress(new Uint8Array(32).fill(7), await signing)).toBe(address);
    expect(digest).toEqual(new Uint8Array(32).fill(8));
  });
});

test("a signer frozen before its first call still learns its address", async () => {
  const key = new MemoryKey(PRIVATE_KEY);
  const signer = Object.freeze(new RemoteSigner(key));
  expect(await signer.getAddress()).toBe(address);
  expect(verifyMessage("frozen", await signer.signMessage("frozen"))).toBe(address);
  expect(await signer.connect(null).getAddress()).toBe(address);
  expect(key.publicKeyFetches).toBe(1);
});
