import { getEventListeners } from "node:events";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { hexlify, id, randomBytes, recoverAddress, Wallet } from "ethers";
import type { RemoteSigner } from "ethers-hsm";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CLOUDS, type Cloud } from "./clouds.ts";
import { atMost, noneOpen } from "./connections.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const CALLS = 200;
const SLOW_MS = 60;

/** Half of them are aborted at a random moment; all others share a signal that never aborts. */
async function storm(signer: RemoteSigner, address: string) {
  const lasting = new AbortController();
  let listeners = 0;
  const call = async (index: number): Promise<string> => {
    const aborts = index % 2 === 1;
    const { signal, abort } = aborts ? abortedSoon(index) : { signal: lasting.signal, abort: undefined };
    const digest = hexlify(randomBytes(32));
    try {
      return recoverAddress(digest, await signer.signDigest(digest, { signal })) === address ? "signed" : "wrong";
    } catch (error) {
      return signal.aborted && error === signal.reason ? "aborted" : String(error);
    } finally {
      await abort;
      if (aborts) listeners += getEventListeners(signal, "abort").length;
    }
  };
  const outcomes = await Promise.all(Array.from({ length: CALLS }, (_, index) => call(index)));
  return { outcomes, listeners: listeners + getEventListeners(lasting.signal, "abort").length };
}

function abortedSoon(index: number) {
  const controller = new AbortController();
  const abort = setTimeout(Math.random() * 3 * SLOW_MS).then(() => controller.abort(new Error(`caller ${index} left`)));
  return { signal: controller.signal, abort };
}

function expectAnswers({ outcomes, listeners }: Awaited<ReturnType<typeof storm>>): void {
  // A call that was not aborted has its signature; one that was has it, or its own reason.
  expect(outcomes.filter((_, index) => index % 2 === 0)).toEqual(Array(CALLS / 2).fill("signed"));
  expect(outcomes.filter((outcome) => outcome !== "signed" && outcome !== "aborted")).toEqual([]);
  expect(outcomes.filter((outcome) => outcome === "aborted").length).toBeGreaterThan(0);
  expect(listeners).toBe(0);
}

describe("slow answers, and half of the callers give up", () => {
  let cloud: Cloud;
  afterEach(() => cloud.server.kill());

  test.each(CLOUDS)("%s", async (_, start) => {
    cloud = await start();
    const signer = cloud.open();
    await signer.getAddress();
    await cloud.server.setFaults([{ fault: { kind: "slow", ms: SLOW_MS }, operation: cloud.sign }]);
    expectAnswers(await storm(signer, cloud.address));
    // Those of aborted requests are ended, the rest are the pool's.
    await atMost(cloud.server, 50);
    await signer.close();
    cloud.endConnections();
    await noneOpen(cloud.server);
  });
});

describe("slow answers of a token, and half of the callers give up", () => {
  const token = createToken("aborts");
  const key = id("a key of impatient callers");
  token.importKey(key, { label: "hot" });
  const shim = new Shim(token.libraryPath);
  afterAll(() => shim.remove());

  test.each([
    ["in this process", undefined],
    ["in a process of its own", "process"],
  ] as const)("the library %s", async (_, isolation) => {
    const { label: tokenLabel, pin } = token;
    const signer = new Pkcs11Signer({
      ...{ libraryPath: shim.libraryPath, tokenLabel, pin, keyLabel: "hot", timeout: 60_000 },
      ...(isolation && { isolation }),
    });
    await signer.getAddress();
    shim.set("C_Sign", { delayMs: SLOW_MS / 4 });
    expectAnswers(await storm(signer, new Wallet(key).address));
    shim.clear();
    const after = await Promise.all(Array.from({ length: 100 }, () => signer.signDigest(id("after"))));
    expect(after).toHaveLength(100);
    await signer.close();
    const { sessions, overlaps, interleavings } = shim.stats();
    expect({ sessions, overlaps, interleavings }).toEqual({ sessions: 0, overlaps: 0, interleavings: 0 });
  });
});
