import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { Shim, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { createToken } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";

const PRIVATE_KEY = id("isolation time");
const { address } = new Wallet(PRIVATE_KEY);

const token = createToken("isolation-time");
token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
const shim = new Shim(token.libraryPath);
const opened: Pkcs11Signer[] = [];
const starts = () => shim.stats().functions.C_Initialize.calls;

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { label: tokenLabel, pin } = token;
  const options = { libraryPath: shim.libraryPath, tokenLabel, pin, keyLabel: "hot", isolation: "process" } as const;
  const signer = new Pkcs11Signer({ ...options, ...change });
  opened.push(signer);
  return signer;
}

async function expectSignatures(signer: Pkcs11Signer, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => `message ${index}`);
  const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
  const signers = signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature));
  expect(signers).toEqual(messages.map(() => address));
}

afterEach(async () => {
  shim.clear();
  await Promise.all(opened.splice(0).map((each) => each.close()));
  expect(isolatedProcesses()).toEqual([]);
});

afterAll(() => shim.remove());

describe("a library that is slow, and not hung, is never ended", () => {
  test.each<[string, ShimFunction, number, Partial<Pkcs11SignerOptions>, number]>([
    ["sessions that open in 1.5 s each, by default", "C_OpenSession", 1_500, {}, 8],
    ["16 sessions that open one after another", "C_OpenSession", 300, { sessions: 16, hangTimeout: 2_000 }, 40],
    ["signatures that wait for a thread", "C_Sign", 1_500, { sessions: 40, hangTimeout: 2_500 }, 48],
    ["many attributes, each of which takes long", "C_GetAttributeValue", 700, { hangTimeout: 2_000 }, 1],
  ])(
    "%s",
    async (_name, slow, delayMs, options, count) => {
      const before = starts();
      shim.set(slow, { delayMs });
      await expectSignatures(open({ timeout: 60_000, ...options }), count);
      expect(starts()).toBe(before + 1);
    },
    90_000,
  );

  test("a signature whose thread is done while the main thread is held up", async () => {
    const signer = open({ sessions: 2, hangTimeout: 2_000 });
    await signer.getAddress();
    const before = starts();
    shim.set("C_Sign", { delayMs: 1_600, count: 1 });
    const signing = signer.signMessage("slow");
    await until(() => shim.stats().held === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    shim.set("C_OpenSession", { delayMs: 1_600, count: 1 });
    await expectSignatures(signer, 2);
    expect(verifyMessage("slow", await signing)).toBe(address);
    expect(starts()).toBe(before);
  });
});

test("a signature that hangs is made again, also while others are made", async () => {
  const signer = open({ hangTimeout: 1_500 });
  await signer.getAddress();
  const before = starts();
  shim.set("C_Sign", { hangMs: 60_000, count: 1 });
  let isSettled = false;
  const hung = signer.signMessage("hung").finally(() => {
    isSettled = true;
  });
  await until(() => shim.stats().held === 1);
  while (!isSettled) await expectSignatures(signer, 2);
  expect(verifyMessage("hung", await hung)).toBe(address);
  expect(starts()).toBe(before + 1);
});

test("a process that hangs is ended and started again, and the call gets its signature", async () => {
  const signer = open({ hangTimeout: 2_000 });
  await signer.getAddress();
  const [pid] = isolatedProcesses();
  process.kill(pid as number, "SIGSTOP");
  expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
  expect(isolatedProcesses()).not.toContain(pid);
  await expect(signer.health()).resolves.toMatchObject({ ready: true, lastError: { code: "BACKEND_UNAVAILABLE" } });
});
