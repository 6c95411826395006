import { afterAll, expect, test } from "@jest/globals";
import { isSignerError } from "../../src/core/errors.ts";
import { framed, HostileChildren } from "../support/hostile-child.ts";

const FRAMES = 10_000;
const TOGETHER = 8;
const MIB = 1024 * 1024;
const TOKEN = {
  label: "tl",
  manufacturer: "tm",
  model: "to",
  serialNumber: "t1",
  flags: 1,
  sessions: 2,
  maxSessions: null,
};
const VALID = [
  framed('{"hung":"C_GetTokenInfo"}'),
  framed(JSON.stringify({ id: 1, result: TOKEN })),
  framed('{"id":1,"error":{"operation":"C_GetTokenInfo","message":"CKR_DEVICE_ERROR","code":48}}'),
];

const hostile = new HostileChildren();
afterAll(() => hostile.remove());

// A generator of 32 bits (mulberry32): a run can be repeated.
let seed = Number(process.env["FUZZ_SEED"] ?? 1);
function random(below: number): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
  return ((bits ^ (bits >>> 14)) >>> 0) % below;
}

const randomBytes = (length: number) => Uint8Array.from({ length }, () => random(256));

/** Random bytes, random bytes in a frame, or messages of which a few bytes were changed, taken out or put in. */
function randomMessages(): Uint8Array {
  const kind = random(8);
  if (kind === 0) return randomBytes(1 + random(300));
  if (kind === 1) return framed(randomBytes(1 + random(300)));
  const messages = Array.from({ length: 1 + random(3) }, () => VALID[random(VALID.length)] as Buffer);
  let bytes = Buffer.concat(messages);
  for (let changes = random(4); changes >= 0; changes -= 1) {
    const [at, length] = [random(bytes.length), random(6)];
    bytes = Buffer.concat([bytes.subarray(0, at), randomBytes(random(6)), bytes.subarray(at + length)]);
  }
  return bytes;
}

test(`${FRAMES} children that send random messages: each call ends, and nothing is kept`, async () => {
  const outcomes = { resolved: 0, library: 0, lost: 0 };
  const used = process.memoryUsage().rss;
  let left = FRAMES;
  const run = async () => {
    while (left > 0) {
      left -= 1;
      // It closes its pipe afterwards: half a frame is not waited for.
      const child = hostile.startSending(randomMessages(), 60_000, "exec 4>&- sleep 600");
      try {
        const { label, flags } = (await child.ask("getTokenInfo", [])) as { label: unknown; flags: unknown };
        expect([typeof label, typeof flags]).toEqual(["string", "number"]);
        outcomes.resolved += 1;
      } catch (error) {
        if (!isSignerError(error)) throw error;
        outcomes[error.operation === undefined ? "lost" : "library"] += 1;
      }
      await child.end();
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, run));
  expect(outcomes.resolved + outcomes.library + outcomes.lost).toBe(FRAMES);
  expect(outcomes.lost).toBeGreaterThan(FRAMES / 2);
  expect(process.memoryUsage().rss - used).toBeLessThan(128 * MIB);
}, 1_800_000);

test("a child that answers, then sends half a frame and is silent, is ended, since its watcher does not answer", async () => {
  const bytes = Buffer.concat([framed('{"id":1,"result":true}'), Buffer.alloc(3)]);
  const child = hostile.startSending(bytes, 500, "exec sleep 600");
  const answer = child.ask("initialize", []);
  const next = child.ask("getInfo", []).catch((error: unknown) => error);
  await expect(answer).resolves.toBe(true);
  expect(String(await next)).toContain("it had not answered for 5000 ms");
});
