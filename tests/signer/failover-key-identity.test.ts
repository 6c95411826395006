import { describe, expect, test } from "@jest/globals";
import { hexlify, id, recoverAddress, SigningKey, Wallet } from "ethers";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import type { FailoverEvent, FailoverOptions } from "../../src/signer/failover-options.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { never } from "../support/faulty-key.ts";
import { controlClock, DIGEST, failover, failure, PRIVATE_KEY, ReplicaKey } from "./failover-support.ts";
import { gate, signerError, turn } from "./rejection.ts";

const { address } = new Wallet(PRIVATE_KEY);
const OTHER_KEY = id("the key of another account");
const other = new Wallet(OTHER_KEY).address;
const clock = controlClock();

/** A failover whose replicas hold the keys given: `["a", PRIVATE_KEY]`. */
function failoverOf(keys: readonly (readonly [string, string])[], options: FailoverOptions = {}) {
  const replicas = keys.map(([name, privateKey]) => new ReplicaKey(name, privateKey));
  const events: FailoverEvent[] = [];
  const key = new FailoverKey(replicas, { onSwitch: (event) => events.push(event), ...options });
  const [first, second] = replicas as [ReplicaKey, ReplicaKey];
  return { first, second, events, key, signer: new RemoteSigner(key) };
}

describe("the public key", () => {
  test("is the preferred replica's, asked for once, and a copy for each caller", async () => {
    const { key, replicas } = failover(["a", "b"]);
    const [one, two] = await Promise.all([key.getPublicKey(), key.getPublicKey()]);
    one.fill(0);
    expect(hexlify(two)).toBe(SigningKey.computePublicKey(PRIVATE_KEY));
    expect(hexlify(await key.getPublicKey())).toBe(hexlify(two));
    await turn();
    expect(replicas.map(({ fetches }) => fetches)).toEqual([1, 1]);
  });

  test("is the next one's where the preferred one fails or is silent", async () => {
    for (const broken of [() => Promise.reject(failure("BACKEND_UNAVAILABLE")), never]) {
      const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 20 });
      replicas[0].faulty.onFetch = broken;
      expect(hexlify(await key.getPublicKey())).toBe(SigningKey.computePublicKey(PRIVATE_KEY));
      expect(events).toHaveLength(1);
    }
  });

  test("of a spare is asked for at the start; what fails there is told, and disturbs nobody", async () => {
    const { key, replicas, events } = failover(["a", "b"], { failbackAfter: 1000 });
    replicas[1].faulty.onFetch = () => Promise.reject(failure("ACCESS_DENIED"));
    await key.getPublicKey();
    await turn();
    expect(events).toEqual(["resting b ACCESS_DENIED"]);
    await key.signDigest(DIGEST);
    expect(replicas[0].asked).toHaveLength(1);
  });

  test("of a replica is waited for once, however many calls need it for their first signature", async () => {
    const { key, replicas } = failover(["a", "b"]);
    const fetched = gate();
    replicas[1].faulty.onFetch = (honest) => fetched.opened.then(() => honest.getPublicKey());
    await key.getPublicKey();
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const signing = Array.from({ length: 10 }, () => key.signDigest(DIGEST));
    await turn();
    expect(replicas[1].asked).toHaveLength(0);
    fetched.open();
    await Promise.all(signing);
    expect(replicas[1]).toMatchObject({ fetches: 1, asked: { length: 10 } });
  });

  test.each<[string, Uint8Array]>([
    ["no point", new Uint8Array(65)],
    ["nothing", undefined as never],
  ])("that is %s is that replica's failure", async (_name, answer) => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].faulty.onFetch = async () => answer;
    await key.getPublicKey();
    expect(events).toEqual(["resting a BACKEND_RESPONSE_INVALID"]);
  });
});

describe("a replica with another key", () => {
  test("is told at the start, never signs, and leaves the others working", async () => {
    const { key, first, second, signer, events } = failoverOf([
      ["a", PRIVATE_KEY],
      ["b", OTHER_KEY],
    ]);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    await turn();
    const info = { previous: { keyId: "a", address }, current: { keyId: "b", address: other } };
    expect(events).toMatchObject([
      { type: "excluded", replica: { id: "b", excluded: true }, error: { code: "KEY_CHANGED", info } },
    ]);
    expect(key.state()[1]).toEqual({
      backend: "faulty",
      id: "b",
      resting: false,
      excluded: true,
      lastError: "KEY_CHANGED",
    });

    first.break(failure("BACKEND_UNAVAILABLE"));
    const error = await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(error.info?.["replicas"]).toMatchObject([{ code: "BACKEND_UNAVAILABLE" }, { code: "KEY_CHANGED" }]);
    expect(second.asked).toHaveLength(0);
    first.repair();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
  });

  test("and the only one that is left gives KEY_CHANGED with both identities", async () => {
    const { key, first } = failoverOf([
      ["a", PRIVATE_KEY],
      ["b", OTHER_KEY],
    ]);
    await key.getPublicKey();
    await turn();
    first.break(failure("ACCESS_DENIED"));
    const error = await signerError(key.signDigest(DIGEST), "ACCESS_DENIED");
    expect((error.cause as AggregateError).errors[1]).toMatchObject({
      code: "KEY_CHANGED",
      info: { previous: { keyId: "a", address }, current: { keyId: "b", address: other } },
    });
  });

  test("where it is the preferred one, and came after a fallback had said who the account is, stops everything", async () => {
    const { key, first, second, signer, events } = failoverOf(
      [
        ["a", OTHER_KEY],
        ["b", PRIVATE_KEY],
      ],
      { failbackAfter: 1000 },
    );
    first.break(failure("BACKEND_UNAVAILABLE"));
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    first.repair();
    clock.advance(1000);
    const error = await signerError(signer.signDigest(DIGEST), "KEY_CHANGED");
    expect(error.info).toEqual({ previous: { keyId: "b", address }, current: { keyId: "a", address: other } });
    await signerError(key.getPublicKey(), "KEY_CHANGED");
    await signerError(signer.signDigest(DIGEST), "KEY_CHANGED");
    expect([first.asked.length, second.asked.length]).toEqual([0, 1]);
    expect(events.map(({ type }) => type)).toEqual(["resting", "excluded"]);
  });

  test("where it is the preferred one, but an expectedAddress says who the account is, is passed over", async () => {
    const { key, first, signer, events } = failoverOf(
      [
        ["a", OTHER_KEY],
        ["b", PRIVATE_KEY],
      ],
      { expectedAddress: address.toLowerCase() },
    );
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(first.asked).toHaveLength(0);
    expect(events).toMatchObject([
      { type: "excluded", replica: { id: "a" }, error: { info: { expected: address, actual: other } } },
    ]);
    expect(key.state()[0]).toMatchObject({ excluded: true, lastError: "ADDRESS_MISMATCH" });
  });

  test("cannot make itself the account while the preferred one is away, where an expectedAddress is given", async () => {
    const { first, signer } = failoverOf(
      [
        ["a", PRIVATE_KEY],
        ["b", OTHER_KEY],
      ],
      { expectedAddress: address, failbackAfter: 1000 },
    );
    first.break(failure("BACKEND_UNAVAILABLE"));
    const error = await signerError(signer.getAddress(), "BACKEND_UNAVAILABLE");
    expect(error.info?.["replicas"]).toMatchObject([{ keyId: "a" }, { keyId: "b", code: "ADDRESS_MISMATCH" }]);
    first.repair();
    expect(await signer.getAddress()).toBe(address);
  });

  test("everywhere gives the preferred one's ADDRESS_MISMATCH", async () => {
    const { signer } = failoverOf(
      [
        ["a", OTHER_KEY],
        ["b", OTHER_KEY],
      ],
      { expectedAddress: address },
    );
    const error = await signerError(signer.signDigest(DIGEST), "ADDRESS_MISMATCH");
    expect(error).toMatchObject({ retryable: false, info: { expected: address, actual: other } });
  });

  test("that it was given while the failover runs is found after its first wrong signature", async () => {
    const { key, first, second, signer, events } = failoverOf(
      [
        ["a", PRIVATE_KEY],
        ["b", PRIVATE_KEY],
      ],
      { failbackAfter: 1000 },
    );
    await signer.signDigest(DIGEST);
    await turn();
    const replaced = new ReplicaKey("a", OTHER_KEY);
    first.faulty.onSign = (_honest, digest) => replaced.signDigest(digest);
    first.faulty.onFetch = () => replaced.getPublicKey();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    clock.advance(1000);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(events.map(({ type, error }) => [type, error?.code])).toEqual([
      ["resting", "SIGNATURE_MISMATCH"],
      ["excluded", "KEY_CHANGED"],
    ]);
    expect(second.asked).toHaveLength(2);
    expect(key.state()[0]).toMatchObject({ excluded: true, lastError: "KEY_CHANGED" });
  });
});

describe("onSwitch", () => {
  test("that throws fails no call", async () => {
    const unseen: unknown[] = [];
    const { key, replicas } = failover(["a", "b"], {
      onSwitch: () => {
        throw new Error("the listener's own");
      },
    });
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const queue = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (task) => {
      try {
        task();
      } catch (error) {
        unseen.push(error);
      }
    };
    try {
      await key.signDigest(DIGEST);
    } finally {
      globalThis.queueMicrotask = queue;
    }
    expect(unseen).toMatchObject([{ message: "the listener's own" }]);
  });
});
