import { setTimeout } from "node:timers/promises";
import { afterEach, expect, jest, test } from "@jest/globals";
import { load } from "../pkcs11/faults/load.ts";
import { CLOUDS, type Cloud } from "./clouds.ts";
import { noneOpen } from "./connections.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const CALLERS = 30;
const TIMEOUT = 10_000;
const PATIENCE = 60_000;

let cloud: Cloud;
afterEach(() => cloud.server.kill());

/** As many requests as there are callers, so that some were answered. */
async function isHeard(): Promise<void> {
  while ((await cloud.server.stats()).signRequests <= CALLERS) await setTimeout(20);
}

test.each(CLOUDS)(
  "%s killed and restarted under load: every call is answered, and service returns",
  async (_, start) => {
    cloud = await start();
    const signer = cloud.open({ timeout: TIMEOUT });
    await signer.getAddress();

    const killings = async () => {
      for (const downMs of [0, 1_500]) {
        await isHeard();
        await cloud.server.kill();
        await setTimeout(downMs);
        await cloud.server.restart();
      }
    };
    const during = await load([signer], { callers: CALLERS, over: killings(), patienceMs: PATIENCE });
    expect(during).toMatchObject({ wrong: 0, unsettled: 0 });
    expect(during.ok).toBeGreaterThan(0);
    // The last time it was down for longer than the SDK repeats: callers were told so.
    expect(during.failures["BACKEND_UNAVAILABLE"]).toBeGreaterThan(0);
    expect(Object.keys(during.failures).filter((code) => !/^BACKEND_(UNAVAILABLE|TIMEOUT)$/.test(code))).toEqual([]);

    const after = await load([signer], { callers: CALLERS, calls: 200, patienceMs: PATIENCE });
    expect(after.messages).toEqual({});
    expect(after).toMatchObject({ calls: 200, ok: 200, wrong: 0, unsettled: 0 });
    expect((await cloud.server.stats()).openConnections).toBeLessThanOrEqual(CALLERS);
    await signer.close();
    cloud.endConnections();
    await noneOpen(cloud.server);
  },
);

test.each(CLOUDS)(
  "%s resets and hangs at random under load: as many answers as calls, and no socket stays",
  async (_, start) => {
    cloud = await start();
    const signer = cloud.open({ timeout: TIMEOUT });
    await signer.getAddress();
    const { sign: operation } = cloud;
    await cloud.server.setFaults([
      { fault: { kind: "reset" }, operation, probability: 0.2 },
      { fault: { kind: "hang" }, operation, times: 10 },
    ]);
    const during = await load([signer], { callers: CALLERS, calls: 300, patienceMs: PATIENCE });
    expect(during).toMatchObject({ wrong: 0, unsettled: 0 });
    const failed = Object.values(during.failures).reduce((sum, count) => sum + count, 0);
    expect(during.ok + failed).toBe(during.calls);
    expect(during.ok).toBeGreaterThan(0);
    // Ten requests hang: they are made again, as long as there is time.
    expect(Object.keys(during.failures).filter((code) => !/^BACKEND_(UNAVAILABLE|TIMEOUT)$/.test(code))).toEqual([]);

    await cloud.server.setFaults([]);
    const after = await load([signer], { callers: CALLERS, calls: 100, patienceMs: PATIENCE });
    expect(after.messages).toEqual({});
    expect(after).toMatchObject({ ok: 100, wrong: 0, unsettled: 0 });
    await signer.close();
    cloud.endConnections();
    await noneOpen(cloud.server);
  },
);
