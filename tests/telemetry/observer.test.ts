import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { verifyMessage, Wallet } from "ethers";
import { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { CallEvent, CallObserver } from "../../src/telemetry/call-event.ts";
import { StaticCredential, startServer } from "../azure-key-vault/setup.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";

const SECRET = `0x${"5c".repeat(32)}`;
const ADDRESS = new Wallet(SECRET).address;

/** Notes what it is told. */
function recorder() {
  const ended: CallEvent[] = [];
  const told: string[] = [];
  const observer: CallObserver = {
    onStart: ({ operation, outcome }) => void told.push(`start ${operation} ${outcome}`),
    run: (fn, { operation }) => {
      told.push(`run ${operation}`);
      return fn();
    },
    onEnd: (event) => {
      ended.push(event);
      told.push(`end ${event.operation} ${event.outcome}`);
    },
  };
  return { observer, ended, told };
}

describe("an observer", () => {
  test("is told of each call of a signer, in order", async () => {
    const { observer, told } = recorder();
    await new RemoteSigner(new FaultyKey(SECRET), null, { observer }).signMessage("hi");
    const expected = ["start public-key undefined", "run public-key", "end public-key ok"];
    expect(told).toEqual([...expected, "start sign undefined", "run sign", "end sign ok"]);
  });

  test("is told of each replica of a failover", async () => {
    const { observer, ended } = recorder();
    const broken = new FaultyKey(SECRET, { onSign: () => Promise.reject(new Error("out of order")) });
    const key = new FailoverKey([broken, new MemoryKey(SECRET)], { expectedAddress: ADDRESS, observer });
    await new RemoteSigner(key).signMessage("hi");
    const signs = ended.filter(({ operation }) => operation === "sign");
    expect(signs.map(({ backend, outcome, code }) => [backend, outcome, code])).toEqual([
      ["faulty", "error", "BACKEND_UNAVAILABLE"],
      ["memory", "ok", undefined],
    ]);
  });

  test("is told of a store's requests, with the backend's request ids", async () => {
    const { observer, ended } = recorder();
    const server = await startServer();
    const local = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
    const credential = new StaticCredential();
    const store = new AzureKeyVaultKeyStore({ vaultUrl: server.url, credential, ...local, observer });
    for await (const _ of store.list());
    await store.createKey({ name: "new-key" });
    await store.health();
    await store.close();
    await server.close();
    expect(new Set(ended.map(({ operation }) => operation))).toEqual(new Set(["list", "create", "health"]));
    for (const { backend, outcome, operation, requestIds } of ended) {
      expect([backend, outcome]).toEqual(["azure-key-vault", "ok"]);
      // The SDK reads pages itself.
      if (operation !== "list") expect(requestIds?.length).toBeGreaterThan(0);
    }
  });

  test("that is not one is refused", () => {
    const observer = "observer" as unknown as CallObserver;
    expect(() => new RemoteSigner(new FaultyKey(SECRET), null, { observer })).toThrow(/observer must have/);
  });
});

describe("an observer that is broken costs no signature, and the key is asked once:", () => {
  const warn = jest.spyOn(process, "emitWarning");
  beforeEach(() => {
    warn.mockReset().mockImplementation(() => {});
  });
  afterEach(() => {
    warn.mockReset();
  });

  const fail = (): never => {
    throw new Error("the observer failed");
  };
  const throwNull = () => {
    throw Object.create(null);
  };
  const broken: readonly (readonly [name: string, observer: CallObserver, warnings: number])[] = [
    ["it throws everywhere", { onStart: fail, run: fail, onEnd: fail }, 1],
    ["it rejects", { onStart: async () => fail(), run: async () => fail(), onEnd: async () => fail() }, 1],
    ["it never calls fn", { run: () => undefined }, 0],
    ["it calls fn twice", { run: (fn) => Promise.all([fn(), fn()]) }, 0],
    ["it calls fn late", { run: (fn) => void setImmediate(fn) }, 0],
    ["it never ends", { run: () => new Promise(() => {}) }, 0],
    ["it throws after fn", { run: (fn) => [fn(), fail()] }, 1],
    ["it throws what is not an error", { onStart: throwNull }, 1],
    ["it freezes the event", { onStart: (event) => void Object.freeze(event) }, 0],
  ];

  test.each(broken)("%s", async (_name, observer, warnings) => {
    const key = new FaultyKey(SECRET);
    const signer = new RemoteSigner(key, null, { observer });
    expect(verifyMessage("hi", await signer.signMessage("hi"))).toBe(ADDRESS);
    expect(verifyMessage("hi", await signer.signMessage("hi"))).toBe(ADDRESS);
    await new Promise(setImmediate);
    expect(key.honest.signatures).toBe(2);
    expect(warn).toHaveBeenCalledTimes(warnings);
  });
});
