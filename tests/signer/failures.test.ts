import { describe, expect, test } from "@jest/globals";
import type { Addressable, TransactionRequest } from "ethers";
import { id, makeError, recoverAddress, Wallet } from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { rejection, signerError, turn } from "./rejection.ts";

const PRIVATE_KEY = id("failures");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");

const failing = (error: unknown) =>
  new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onSign: () => Promise.reject(error) }));
const unreachable = (error: unknown) =>
  new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(error) }));

describe("an error that a key throws", () => {
  test("of its own becomes BACKEND_UNAVAILABLE, with the original as cause", async () => {
    const original = new RangeError("socket hang up");
    const context = { backend: "faulty", keyId: "faulty-key" };
    const signing = await signerError(failing(original).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(signing).toMatchObject({ ...context, operation: "signDigest" });
    expect(signing.cause).toBe(original);
    const fetching = await signerError(unreachable(original).getAddress(), "BACKEND_UNAVAILABLE");
    expect(fetching).toMatchObject({ ...context, operation: "getPublicKey" });
    expect(fetching.cause).toBe(original);
  });

  test("of its own keeps its text out of the message and of JSON", async () => {
    const error = await signerError(
      failing(new Error("C_Login with pin 4711")).signDigest(DIGEST),
      "BACKEND_UNAVAILABLE",
    );
    expect(error.message).not.toContain("4711");
    expect(JSON.stringify(error)).not.toContain("4711");
  });

  test.each<[string, unknown]>([
    ["a string", "down"],
    ["a number", 503],
    ["null", null],
    ["undefined", undefined],
    ["an object", { code: "ECONNRESET" }],
  ])("that is no Error but %s is BACKEND_UNAVAILABLE too", async (_name, thrown) => {
    const error = await signerError(failing(thrown).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(error.cause).toBe(thrown);
  });

  test("before it returns a promise is treated alike", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const original = new TypeError("no such function");
    const throwAtOnce = () => {
      throw original;
    };
    const broken = { backend: "broken", id: "key", getPublicKey: throwAtOnce, signDigest: throwAtOnce };
    expect((await signerError(new RemoteSigner(broken).getAddress(), "BACKEND_UNAVAILABLE")).cause).toBe(original);
    key.onSign = throwAtOnce;
    expect((await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE")).cause).toBe(original);
  });

  test("as SignerError keeps everything and gains what it lacks", async () => {
    const cause = new Error("the vendor's");
    const original = new SignerError("THROTTLED", "slow down", { requestId: "r-1", info: { limit: 10 }, cause });
    const error = await signerError(failing(original).signDigest(DIGEST), "THROTTLED");
    expect(error).toMatchObject({
      message: "slow down",
      retryable: true,
      requestId: "r-1",
      info: { limit: 10 },
      backend: "faulty",
      keyId: "faulty-key",
      operation: "signDigest",
    });
    expect(error.cause).toBe(cause);
    expect(error.stack).toBe(original.stack);
  });

  test("as SignerError keeps the place that it names", async () => {
    const place = { backend: "token", keyId: "07", operation: "C_Sign", retryable: true };
    const original = new SignerError("ACCESS_DENIED", "not logged in", place);
    expect(await signerError(failing(original).signDigest(DIGEST), "ACCESS_DENIED")).toMatchObject(place);
    expect(await signerError(unreachable(original).getAddress(), "ACCESS_DENIED")).toMatchObject(place);
  });

  test("as error of ethers passes through", async () => {
    const original = makeError("bad option", "INVALID_ARGUMENT", { argument: "slot", value: 7 });
    expect(await rejection(failing(original).signDigest(DIGEST))).toBe(original);
    expect(await rejection(unreachable(original).signMessage("x"))).toBe(original);
  });

  test("ends one call only", async () => {
    let calls = 0;
    const key = new FaultyKey(PRIVATE_KEY, {
      onSign: (honest, digest) => (calls++ ? honest.signDigest(digest) : Promise.reject(new Error("once"))),
    });
    const signer = new RemoteSigner(key);
    await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
  });
});

describe("two faults in one request", () => {
  const unresolvable: Addressable = { getAddress: () => Promise.reject(new Error("no address today")) };
  const misspelt = address.replace(/[a-f]/, (letter) => letter.toUpperCase());

  test.each<[string, TransactionRequest]>([
    ["both addresses fail to resolve", { to: unresolvable, from: unresolvable }],
    ["a name without a provider, and a misspelt sender", { to: "friend.eth", from: misspelt }],
    ["an unresolvable recipient, and a misspelt sender", { to: unresolvable, from: misspelt }],
  ])("give one error and leave no rejection unhandled: %s", async (_name, request) => {
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY));
    expect(await rejection(signer.signTransaction(request))).toBeInstanceOf(Error);
    // The test runner fails a test during which a rejection was left unhandled.
    await turn();
  });
});
