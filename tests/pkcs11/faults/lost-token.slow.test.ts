import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../../src/pkcs11/index.ts";
import { Shim, type ShimFunction } from "../../support/pkcs11-shim/shim.ts";
import type { SoftHsmToken } from "../../support/softhsm.ts";
import { createToken } from "../../support/softhsm-env.ts";
import { until } from "../../support/until.ts";

const PRIVATE_KEY = id("a key of a token that goes away");
const { address } = new Wallet(PRIVATE_KEY);
const SLOT_ID_INVALID = 0x03;
const GENERAL_ERROR = 0x05;
const DEVICE_ERROR = 0x30;
const FUNCTION_NOT_SUPPORTED = 0x54;
const TOKEN_NOT_PRESENT = 0xe0;

const token = createToken("lost");
token.importKey(PRIVATE_KEY, { label: "hot" });
const other = createToken("other");
other.importKey(PRIVATE_KEY, { label: "hot" });
const shim = new Shim(token.libraryPath);
const signers: Pkcs11Signer[] = [];

// In a process of its own the library is this package's alone: nothing speaks against starting it again.
function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { label: tokenLabel, pin } = token;
  const { libraryPath } = shim;
  const signer = new Pkcs11Signer({
    ...{ libraryPath, tokenLabel, pin, keyLabel: "hot", isolation: "process" },
    ...change,
  });
  signers.push(signer);
  return signer;
}

const calls = (name: ShimFunction) => shim.stats().functions[name].calls;

afterEach(async () => {
  shim.clear();
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
});

afterAll(() => shim.remove());

test("a library that shows no token any more, without an error, is started again until it does", async () => {
  const signer = open();
  await signer.signMessage("before");
  const initializations = calls("C_Initialize");
  shim.set("C_GetTokenInfo", { returnValue: TOKEN_NOT_PRESENT });
  // Neither does a new session help: without that the library is left alone.
  for (const each of ["C_Sign", "C_OpenSession"] as const) shim.set(each, { returnValue: DEVICE_ERROR });
  const looks = calls("C_GetTokenInfo");
  const signing = signer.signMessage("during");
  await until(() => calls("C_GetTokenInfo") > looks);
  shim.clear();
  expect(verifyMessage("during", await signing)).toBe(address);
  expect(calls("C_Initialize")).toBeGreaterThan(initializations);
});

test("a token that was never there is not found at once, and nothing is started again for it", async () => {
  await open().signMessage("the library runs");
  const initializations = calls("C_Initialize");
  await expect(open({ tokenLabel: "never there" }).getAddress()).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
  expect(calls("C_Initialize")).toBe(initializations);
});

test("a token that cannot be read at the first look is looked for again, and is never taken for missing", async () => {
  shim.set("C_GetTokenInfo", { returnValue: GENERAL_ERROR });
  const signing = open().signMessage("first");
  await setTimeout(150);
  shim.clear();
  expect(verifyMessage("first", await signing)).toBe(address);
  // It is unknown whether it is the one.
  shim.set("C_GetTokenInfo", { returnValue: FUNCTION_NOT_SUPPORTED, count: 1 });
  await expect(open({ tokenLabel: "never there" }).getAddress()).rejects.toMatchObject({
    ...{ operation: "C_GetTokenInfo", code: "KEY_UNUSABLE" },
  });
});

test("a token that cannot be read hides no other, but others are not counted without it", async () => {
  await open().getAddress();
  const second = [token, other].find((each) => each.slotIndex() > 0) as SoftHsmToken;
  const unreadable = () => shim.set("C_GetTokenInfo", { returnValue: FUNCTION_NOT_SUPPORTED, count: 1 });
  unreadable();
  expect(await open({ tokenLabel: second.label, match: { model: "SoftHSM v2" } }).getAddress()).toBe(address);
  const slotIndex = second.slotIndex();
  unreadable();
  for (const counted of [{ slotIndex }, { slotIndex, match: { model: "SoftHSM v2" } }, {}]) {
    unreadable();
    const signer = open({ tokenLabel: undefined, ...counted });
    await expect(signer.getAddress()).rejects.toMatchObject({ operation: "C_GetTokenInfo", code: "KEY_UNUSABLE" });
  }
});

test("a slot that stays gone is the backend's failure, not a missing key", async () => {
  const signer = open();
  await signer.signMessage("before");
  shim.otherUser("closeAllSessions");
  shim.set("C_OpenSession", { returnValue: SLOT_ID_INVALID });
  await expect(signer.signMessage("during")).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
  shim.clear();
  expect(verifyMessage("after", await signer.signMessage("after"))).toBe(address);
});

test("a crash with 64 calls in flight costs one start and one login, and no call", async () => {
  const signer = open();
  await signer.getAddress();
  const before = [calls("C_Initialize"), calls("C_Login")];
  shim.set("C_Sign", { crash: true, skip: 10, count: 1 });
  const messages = Array.from({ length: 64 }, (_, index) => `message ${index}`);
  const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
  expect(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature))).toEqual(
    messages.map(() => address),
  );
  expect([calls("C_Initialize"), calls("C_Login")].map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1]);
});

test("a start that fails is not taken for the doing of other code: the next loss is healed as well", async () => {
  // A copy is a library of its own, which no other code in this process has initialised.
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-lost-"));
  const copy = join(folder, "libsofthsm2.so");
  copyFileSync(token.libraryPath, copy);
  const own = new Shim(copy);
  const starts = () => own.stats().functions.C_Initialize.calls;
  const signer = open({ libraryPath: own.libraryPath, isolation: undefined });
  await signer.signMessage("before");
  for (const failedStarts of [2, 0]) {
    const before = starts();
    for (const each of ["C_Sign", "C_OpenSession"] as const) own.set(each, { returnValue: DEVICE_ERROR });
    if (failedStarts > 0) own.set("C_Initialize", { returnValue: DEVICE_ERROR, count: failedStarts });
    const signing = signer.signMessage("during");
    await until(() => starts() - before > failedStarts);
    own.clear();
    expect(verifyMessage("during", await signing)).toBe(address);
  }
  await signer.close();
  own.remove();
  rmSync(folder, { recursive: true });
});
