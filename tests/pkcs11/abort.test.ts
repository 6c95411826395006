import { afterEach, beforeAll, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { countCalls, intercept, restore } from "../support/pkcs11-faults.ts";
import { openSessions } from "../support/session-count.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("abort");
const { address } = new Wallet(PRIVATE_KEY);
const token = createToken("abort");
const { libraryPath, label: tokenLabel, pin } = token;

beforeAll(() => token.importKey(PRIVATE_KEY, { label: "hot" }));

afterEach(restore);

// The session goes from one call to the next within a few turns of the microtask queue, and the abort may come between any two.
test("a call that is aborted at whatever moment its turn comes loses no session, and the next one signs", async () => {
  const before = openSessions();
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", sessions: 1 });
  await signer.getAddress();
  let unsigned = 0;
  for (let turns = 0; turns < 40; turns += 1) {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const abort = async () => {
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      controller.abort(reason);
    };
    let signatures = 0;
    intercept("C_SignCallback", (call, [session, input, output, done]) => {
      signatures += 1;
      if (signatures > 1) return call(session, input, output, done);
      return call(session, input, output, (error: unknown, length: number) => {
        (done as (error: unknown, length: number) => void)(error, length);
        void abort();
      });
    });
    const first = signer.signMessage("first");
    const second = signer.signDigest(id("second"), { signal: controller.signal });
    await expect(second).rejects.toBe(reason);
    expect(verifyMessage("first", await first)).toBe(address);
    if (signatures === 1) unsigned += 1;
    expect(verifyMessage("third", await signer.signMessage("third"))).toBe(address);
  }
  // Neither only aborts before its turn, nor only such after it.
  expect(unsigned).toBeGreaterThan(0);
  expect(unsigned).toBeLessThan(40);
  const { sessions } = await signer.health();
  expect(sessions).toMatchObject({ busy: 0, abandoned: 0, waiting: 0 });
  const signed = countCalls("C_SignCallback");
  await signer.close();
  expect([signed(), openSessions()]).toEqual([0, before]);
});
