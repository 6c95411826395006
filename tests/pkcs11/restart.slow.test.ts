import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { intercept, restore } from "../support/pkcs11-faults.ts";
import { BareModule } from "../support/pkcs11-shim/bare-module.ts";
import { Shim, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { createToken, softHsmPath } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";

const PRIVATE_KEY = id("restart");
const { address } = new Wallet(PRIVATE_KEY);
const GENERAL_ERROR = 0x05;
const DEVICE_ERROR = 0x30;

const token = createToken("restart");
token.importKey(PRIVATE_KEY, { label: "hot" });
const other = createToken("restart-other");
other.importKey(PRIVATE_KEY, { label: "hot" });
const signers: Pkcs11Signer[] = [];
let folder: string;
let shim: Shim;

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath: shim.libraryPath, tokenLabel, pin, keyLabel: "hot", ...change });
  signers.push(signer);
  return signer;
}

const calls = (name: ShimFunction) => shim.stats().functions[name].calls;
const held = () => until(() => shim.stats().held > 0);

// A copy is a library of its own, which no other code in this process has initialised.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ethers-hsm-restart-"));
  const copy = join(folder, "libsofthsm2.so");
  copyFileSync(softHsmPath(), copy);
  shim = new Shim(copy);
});

afterEach(async () => {
  restore();
  shim.clear();
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
  shim.remove();
  rmSync(folder, { recursive: true });
});

/** Lets that function fail, and a session that is opened to see whether the token answers. */
function fail(name: "C_Sign" | "C_SignInit"): void {
  for (const each of [name, "C_OpenSession"] as const) shim.set(each, { returnValue: DEVICE_ERROR });
}

test("a library that cannot be initialised at first is, by the same call, as soon as it can be", async () => {
  shim.set("C_Initialize", { returnValue: DEVICE_ERROR, count: 2 });
  expect(verifyMessage("hello", await open().signMessage("hello"))).toBe(address);
  expect(calls("C_Initialize")).toBe(3);
});

test("health of a key that signs on a token that says nothing of itself: not ready, and why", async () => {
  const signer = open();
  await signer.getAddress();
  shim.set("C_GetTokenInfo", { returnValue: GENERAL_ERROR });
  await expect(signer.health()).resolves.toMatchObject({
    ...{ ready: false, token: undefined, library: undefined, sessions: undefined },
    ...{ loggedIn: true, key: { sensitive: true }, error: { operation: "C_GetTokenInfo" } },
  });
  shim.clear();
  await expect(signer.health()).resolves.toMatchObject({ ready: true, token: { label: token.label } });
});

describe("a library with two tokens, one of which fails", () => {
  const refused = {
    code: "BACKEND_UNAVAILABLE",
    message: expect.stringContaining("The library was not started again: another token of the library answers"),
  };

  test("is not started again while the other one answers, or works", async () => {
    const [failing, serving] = [open(), open({ tokenLabel: other.label })];
    await Promise.all([failing.getAddress(), serving.getAddress()]);
    fail("C_SignInit");
    await expect(failing.signMessage("while the other one answers")).rejects.toMatchObject(refused);
    shim.clear();
    shim.set("C_Sign", { hangMs: 60_000, count: 1 });
    const signing = serving.signMessage("held");
    await held();
    fail("C_SignInit");
    await expect(failing.signMessage("while the other one works")).rejects.toMatchObject(refused);
    shim.clear();
    expect(verifyMessage("held", await signing)).toBe(address);
    expect(calls("C_Finalize")).toBe(0);
  });

  test("is started again where the other one does not answer either, and both sign", async () => {
    const [failing, silent] = [open(), open({ tokenLabel: other.label })];
    await Promise.all([failing.getAddress(), silent.getAddress()]);
    shim.set("C_SignInit", { returnValue: DEVICE_ERROR });
    shim.set("C_GetSessionInfo", { returnValue: DEVICE_ERROR });
    const signing = failing.signMessage("hello");
    await until(() => calls("C_Initialize") > 2);
    shim.clear();
    expect(verifyMessage("hello", await signing)).toBe(address);
    expect(verifyMessage("hello", await silent.signMessage("hello"))).toBe(address);
    expect(calls("C_Finalize")).toBeGreaterThan(0);
  });
});

describe("C_Finalize before the library is started again", () => {
  test("fails: the call fails with that, and the next one is healed", async () => {
    const signer = open();
    await signer.getAddress();
    fail("C_Sign");
    shim.set("C_Finalize", { returnValue: GENERAL_ERROR });
    await expect(signer.signMessage("during")).rejects.toMatchObject({
      ...{ code: "BACKEND_UNAVAILABLE", operation: "C_Finalize", info: { returnValue: GENERAL_ERROR } },
    });
    shim.clear();
    shim.set("C_Sign", { returnValue: DEVICE_ERROR, count: 3 });
    expect(verifyMessage("after", await signer.signMessage("after"))).toBe(address);
  });

  test("finds that other code was faster: the library is started all the same", async () => {
    const signer = open();
    await signer.getAddress();
    const starts = calls("C_Initialize");
    fail("C_Sign");
    intercept("C_Finalize", (call, args) => {
      shim.clear();
      call(...args);
      return call(...args);
    });
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    expect(calls("C_Initialize")).toBe(starts + 1);
  });
});

describe("a call that hangs in the library", () => {
  const hang = { hangMs: 60_000, count: 1 } as const;

  test("keeps it from being ended under that call, and it goes on once the call returns", async () => {
    const signer = open();
    const impatient = open({ timeout: 7_000 });
    await signer.getAddress();
    shim.set("C_Sign", hang);
    const hung = signer.signMessage("hung");
    await held();
    fail("C_SignInit");
    await expect(impatient.signMessage("during")).rejects.toMatchObject({ code: "BACKEND_TIMEOUT" });
    const ended = calls("C_Finalize");
    shim.clear();
    expect(verifyMessage("hung", await hung)).toBe(address);
    expect(verifyMessage("after", await impatient.signMessage("after"))).toBe(address);
    expect(ended).toBe(0);
  });

  test("and whose library other code has ended meanwhile: the others go on, and no session of others is closed for its", async () => {
    const signer = open();
    await signer.getAddress();
    shim.set("C_Sign", hang);
    const hung = signer.signMessage("hung");
    await held();
    new BareModule(shim.libraryPath).cryptoki.C_Finalize();
    expect(verifyMessage("during", await signer.signMessage("during"))).toBe(address);
    shim.clear();
    // What it was in is gone: the call is made again in another session, which may have the number of the former.
    const signing = Array.from({ length: 20 }, () => signer.signMessage("beside"));
    expect(verifyMessage("hung", await hung)).toBe(address);
    for (const signature of await Promise.all(signing)) expect(verifyMessage("beside", signature)).toBe(address);
    expect(shim.stats()).toMatchObject({ closedInUse: 0 });
    await expect(signer.health()).resolves.toMatchObject({ ready: true, sessions: { busy: 0, abandoned: 0 } });
  });
});
