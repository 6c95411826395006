import { getEventListeners } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress, SigningKey, verifyMessage, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { gate, rejection, signerError, turn } from "./rejection.ts";
import { countTimers } from "./timers.ts";

const PRIVATE_KEY = id("calls");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");
const SHORT = { timeout: 50 };

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("a backend that does not respond", () => {
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

  test("a signature: the call times out, and the next one is asked again", async () => {
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

  test("a response that comes too late is dropped", async () => {
    const late = gate<Uint8Array>();
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: () => late.opened });
    const signer = new RemoteSigner(key, null, SHORT);
    await signerError(signer.getAddress(), "BACKEND_TIMEOUT");
    key.onFetch = undefined;
    late.open(getBytes(SigningKey.computePublicKey(id("another"))));
    await turn();
    expect(await signer.getAddress()).toBe(address);
  });

  test("a failure that comes too late is dropped", async () => {
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

  test("after the response changes nothing", async () => {
    const controller = new AbortController();
    const signer = new RemoteSigner(new FaultyKey(PRIVATE_KEY));
    const signature = await signer.signDigest(DIGEST, { signal: controller.signal });
    controller.abort();
    expect(recoverAddress(DIGEST, signature)).toBe(address);
    expect(await signer.getAddress()).toBe(address);
  });
});

describe("nothing is left over", () => {
  test("after responses and failures: no timer and no listener", async () => {
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
  test("closes the key exactly once, through any signer and however often", async () => {
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

  test("ends the first fetch, and leaves no timer of it", async () => {
    const reasons: unknown[] = [];
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: (_honest, { signal }) => {
        signal?.addEventListener("abort", () => reasons.push(signal.reason));
        return never();
      },
    });
    const timers = await countTimers(async () => {
      const signer = new RemoteSigner(key);
      const fetching = [signer.getAddress(), signer.signDigest(DIGEST)].map((call) =>
        signerError(call, "SIGNER_CLOSED"),
      );
      await turn();
      await signer.close();
      const [error] = await Promise.all(fetching);
      expect(reasons).toEqual([error]);
    });
    expect(timers.running).toBe(0);
  });

  test("does nothing if the key has nothing to close", async () => {
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

  test("of a key that fails rejects each time, with a SignerError", async () => {
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

  test("of a key that never responds times out", async () => {
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
