import { getEventListeners } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress, SigningKey, verifyMessage, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { gate, rejection, signerError, turn } from "./rejection.ts";
import { countTimers } from "./timers.ts";

const PRIVATE_KEY = id("deadlines");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");
const SHORT = { timeout: 50 };

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("a backend that does not answer", () => {
  test("the public key: every waiting call times out, and the next one asks again", async () => {
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: never });
    const signer = new RemoteSigner(key, null, SHORT);
    const calls = [signer.getAddress(), signer.connect(null).getPublicKey(), signer.signMessage("x")];
    const errors = await Promise.all(calls.map((call) => signerError(call, "BACKEND_TIMEOUT")));
    for (const error of errors) {
      expect(error).toMatchObject({
        backend: "faulty",
        keyId: "faulty-key",
        operation: "getPublicKey",
        retryable: true,
      });
      expect(error.message).toContain("50 ms");
    }
    key.onFetch = undefined;
    expect(await signer.getAddress()).toBe(address);
  });

  test("a signature: the call times out, and the next one is asked anew", async () => {
    const key = new FaultyKey(PRIVATE_KEY, { onSign: never });
    const signer = new RemoteSigner(key, null, SHORT);
    const error = await signerError(signer.signDigest(DIGEST), "BACKEND_TIMEOUT");
    expect(error).toMatchObject({ operation: "signDigest", retryable: true });
    key.onSign = undefined;
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(key.honest.publicKeyFetches).toBe(1);
  });

  test("one call that times out leaves the others alone", async () => {
    const key = new FaultyKey(PRIVATE_KEY, {
      onSign: (honest, digest) => (digest[0] === 0 ? never() : honest.signDigest(digest)),
    });
    const signer = new RemoteSigner(key, null, SHORT);
    const stuck = signerError(signer.signDigest(new Uint8Array(32)), "BACKEND_TIMEOUT");
    expect(recoverAddress(`0x01${DIGEST.slice(4)}`, await signer.signDigest(`0x01${DIGEST.slice(4)}`))).toBe(address);
    await stuck;
  });

  test("the backend's own signal aborts with the same error", async () => {
    const reasons: unknown[] = [];
    const watch = (signal: AbortSignal | undefined) => {
      signal?.addEventListener("abort", () => reasons.push(signal.reason));
      return never();
    };
    const key = new FaultyKey(PRIVATE_KEY, { onSign: (_honest, _digest, { signal }) => watch(signal) });
    const signing = await rejection(new RemoteSigner(key, null, SHORT).signDigest(DIGEST));
    key.onFetch = (_honest, { signal }) => watch(signal);
    const fetching = await rejection(new RemoteSigner(key, null, SHORT).getAddress());
    expect(reasons).toEqual([signing, fetching]);
    expect(reasons[0]).toBe(signing);
  });

  test("an answer that comes too late is dropped", async () => {
    const late = gate<Uint8Array>();
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: () => late.opened });
    const signer = new RemoteSigner(key, null, SHORT);
    await signerError(signer.getAddress(), "BACKEND_TIMEOUT");
    key.onFetch = undefined;
    late.open(getBytes(SigningKey.computePublicKey(id("another"))));
    await turn();
    expect(await signer.getAddress()).toBe(address);
  });

  test("a failure that comes too late bothers nobody", async () => {
    const late = gate();
    const fail = () => late.opened.then(() => Promise.reject(new Error("too late")));
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY, { onSign: fail }), null, SHORT);
    await signerError(signer.signDigest(DIGEST), "BACKEND_TIMEOUT");
    late.open();
    await turn();
  });
});

describe("an aborted call", () => {
  test.each<[string, unknown]>([
    ["an error", new Error("changed my mind")],
    ["a string", "stop"],
    ["the default", undefined],
  ])("rejects with the signal's reason: %s", async (_name, reason) => {
    const signal = AbortSignal.abort(reason);
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    expect(await rejection(signer.getPublicKey({ signal }))).toBe(signal.reason);
    expect(await rejection(signer.signDigest(DIGEST, { signal }))).toBe(signal.reason);
    await signer.getAddress();
    expect(await rejection(signer.signDigest(DIGEST, { signal }))).toBe(signal.reason);
    expect(key.honest.signatures).toBe(0);
    expect(listeners(signal)).toBe(0);
  });

  test("before the call asks the backend nothing", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const signal = AbortSignal.abort();
    expect(await rejection(signer.getPublicKey({ signal }))).toBe(signal.reason);
    expect(await rejection(signer.signDigest(DIGEST, { signal }))).toBe(signal.reason);
    await turn();
    expect(key.honest).toMatchObject({ publicKeyFetches: 0, signatures: 0 });
  });

  test("before the call, with a backend that fails, leaves no rejection unhandled", async () => {
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(new Error("down")) });
    const signer = new RemoteSigner(key);
    const signal = AbortSignal.abort("before");
    expect(await rejection(signer.getPublicKey({ signal }))).toBe("before");
    // The test runner fails a test during which a rejection was left unhandled.
    await turn();
    expect(key.honest.signatures).toBe(0);
  });

  test("while the backend signs tells the backend so", async () => {
    const reasons: unknown[] = [];
    const started = gate();
    const key = new FaultyKey(PRIVATE_KEY, {
      onSign: (_honest, _digest, { signal }) => {
        signal?.addEventListener("abort", () => reasons.push(signal.reason));
        started.open();
        return never();
      },
    });
    const controller = new AbortController();
    const signing = rejection(new RemoteSigner(key).signDigest(DIGEST, { signal: controller.signal }));
    await started.opened;
    controller.abort("enough");
    expect(await signing).toBe("enough");
    expect(reasons).toEqual(["enough"]);
  });

  test("during the first fetch ends that call only", async () => {
    const fetched = gate();
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: async (honest) => fetched.opened.then(() => honest.getPublicKey()),
    });
    const signer = new RemoteSigner(key);
    const controller = new AbortController();
    const aborted = [
      rejection(signer.getPublicKey({ signal: controller.signal })),
      rejection(signer.signDigest(DIGEST, { signal: controller.signal })),
    ];
    const others = [signer.getAddress(), signer.connect(null).getAddress()];
    const signing = signer.signMessage("x");
    controller.abort("mine only");
    expect(await Promise.all(aborted)).toEqual(["mine only", "mine only"]);
    fetched.open();
    expect(await Promise.all(others)).toEqual([address, address]);
    expect(verifyMessage("x", await signing)).toBe(address);
    expect(key.honest).toMatchObject({ publicKeyFetches: 1, signatures: 1 });
  });

  test("of a first fetch that later fails leaves no rejection unhandled", async () => {
    const fetched = gate();
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: () => fetched.opened.then(() => Promise.reject(new Error("down"))),
    });
    const signer = new RemoteSigner(key);
    const controller = new AbortController();
    const aborted = rejection(signer.getPublicKey({ signal: controller.signal }));
    controller.abort("bored");
    expect(await aborted).toBe("bored");
    fetched.open();
    await turn();
    key.onFetch = undefined;
    expect(await signer.getAddress()).toBe(address);
  });

  test("after the answer changes nothing", async () => {
    const controller = new AbortController();
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY));
    const signature = await signer.signDigest(DIGEST, { signal: controller.signal });
    controller.abort();
    expect(recoverAddress(DIGEST, signature)).toBe(address);
    expect(await signer.getAddress()).toBe(address);
  });
});

describe("nothing is left over", () => {
  test("after answers and failures: no timer and no listener", async () => {
    const { signal } = new AbortController();
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const timers = await countTimers(async () => {
      await Promise.all(Array.from({ length: 20 }, () => signer.signDigest(DIGEST, { signal })));
      key.onSign = () => Promise.reject(new Error("down"));
      await rejection(signer.signDigest(DIGEST, { signal }));
      key.onSign = () => {
        throw new Error("at once");
      };
      await rejection(signer.signDigest(DIGEST, { signal }));
    });
    // One for the public key, one for each signature.
    expect(timers).toEqual({ started: 23, running: 0 });
    expect(listeners(signal)).toBe(0);
  });

  test("after a timeout and after an abort: no timer and no listener", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const key = new FaultyKey(PRIVATE_KEY, { onSign: never });
    const timers = await countTimers(async () => {
      await signerError(new RemoteSigner(key, null, SHORT).signDigest(DIGEST, { signal }), "BACKEND_TIMEOUT");
      expect(listeners(signal)).toBe(0);

      const signing = rejection(new RemoteSigner(key).signDigest(DIGEST, { signal }));
      await turn();
      controller.abort("enough");
      expect(await signing).toBe("enough");
    });
    expect(timers).toEqual({ started: 4, running: 0 });
    expect(listeners(signal)).toBe(0);
  });
});
