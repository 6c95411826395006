import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { id } from "ethers";
import { load } from "../pkcs11/faults/load.ts";
import { CLOUDS, type Cloud, credential, startAwsKms, startKeyVault } from "./clouds.ts";
import { shiftClock } from "./shifted-clock.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const CALLERS = 30;
const PATIENCE = 60_000;
const HOUR = 3_600_000;

const JUMPS = [
  ["an hour forward", HOUR],
  ["an hour back", -HOUR],
] as const;

// The services' own clocks, in processes of their own, stay right.
let cloud: Cloud;
let putRight = () => {};
afterEach(async () => {
  putRight();
  await cloud.server.kill();
});

describe.each(JUMPS)("the wall clock jumps %s", (_, ms) => {
  test.each(CLOUDS)(
    "%s: calls succeed, or say that the clock is wrong, and all do afterwards",
    async (_service, start) => {
      cloud = await start();
      const signer = cloud.open();
      await signer.getAddress();
      await cloud.server.setFaults([{ fault: { kind: "slow", ms: 50 }, operation: cloud.sign }]);
      const jumps = async () => {
        await setTimeout(200);
        putRight = shiftClock(ms);
        await setTimeout(400);
        putRight();
        await setTimeout(400);
      };
      const during = await load([signer], { callers: CALLERS, over: jumps(), patienceMs: PATIENCE });
      // Of calls in flight at a jump, AWS's SDK repeats those by which it learns the time; others it may take for refused.
      const { ACCESS_DENIED = "this machine's clock", ...messages } = during.messages;
      expect(messages).toEqual({});
      expect(ACCESS_DENIED).toContain("this machine's clock");
      expect(during).toMatchObject({ wrong: 0, unsettled: 0 });
      const after = await load([signer], { callers: CALLERS, over: setTimeout(400), patienceMs: PATIENCE });
      expect(after.messages).toEqual({});
      expect(after).toMatchObject({ ok: after.calls, wrong: 0, unsettled: 0 });
      await signer.close();
    },
  );

  test.each(CLOUDS)("%s: a deadline that runs is not brought nearer, nor put off", async (_service, start) => {
    cloud = await start();
    const signer = cloud.open({ timeout: 1_500 });
    await signer.getAddress();
    await cloud.server.setFaults([{ fault: { kind: "hang" }, operation: cloud.sign }]);
    const begun = performance.now();
    const signing = signer.signDigest(id("meanwhile")).catch((error: unknown) => error);
    await setTimeout(100);
    putRight = shiftClock(ms);
    expect(await signing).toMatchObject({ code: "BACKEND_TIMEOUT" });
    // Of the hour there is nothing in it: neither did the call end at once, nor did it wait.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1_490);
    await signer.close();
  });
});

test("AWS KMS refuses a request of another time; the SDK learns the time by its answer, and no caller notices", async () => {
  const kms = await startAwsKms();
  cloud = kms;
  const signer = kms.open();
  await signer.getAddress();
  putRight = shiftClock(-HOUR);
  const requests = async () => (await kms.server.stats()).signRequests;
  const before = await requests();
  await signer.signDigest(id("first"));
  // Refused as expired, and repeated with the right time; the next one knows it.
  expect((await requests()) - before).toBe(2);
  await signer.signDigest(id("second"));
  expect((await requests()) - before).toBe(3);
  await signer.close();
});

test("AWS KMS without the SDK's repetitions: the refusal says that the clock may be wrong, and the next call is right", async () => {
  const kms = await startAwsKms();
  cloud = kms;
  const signer = kms.open({ maxAttempts: 1 });
  await signer.getAddress();
  putRight = shiftClock(HOUR);
  const refused = signer.signDigest(id("first"));
  await expect(refused).rejects.toMatchObject({ code: "ACCESS_DENIED", message: expect.stringMatching(/clock/) });
  expect((await signer.signDigest(id("second"))).isValid()).toBe(true);
  await signer.close();
});

test("Azure: a token is renewed where the clock says that it ended, and kept where the clock went back", async () => {
  const vault = await startKeyVault();
  cloud = vault;
  const asked = credential(HOUR / 2);
  const signer = vault.open({ credential: asked });
  await signer.signDigest(id("first"));
  expect(asked.asked).toBe(1);
  putRight = shiftClock(-HOUR);
  await signer.signDigest(id("an hour back"));
  expect(asked.asked).toBe(1);
  putRight();
  putRight = shiftClock(HOUR);
  await Promise.all(Array.from({ length: CALLERS }, () => signer.signDigest(id("an hour forward"))));
  expect(asked.asked).toBe(2);
  await signer.close();
});
