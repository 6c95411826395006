import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, id, Wallet } from "ethers";
import { createToken } from "../softhsm-env.ts";
import { until } from "../until.ts";
import { BareModule, type BareSession, possibleSigners } from "./bare-module.ts";
import { Shim, type ShimFault, type ShimFunction } from "./shim.ts";

const FUNCTION_FAILED = 6;
const OWN = new Wallet(id("own key"));
const FOREIGN = new Wallet(id("foreign key"));
const DIGEST = id("digest");
const OTHER_DIGEST = id("other digest");
const LONG = 60_000;

const token = createToken("shim");
token.importKey(OWN.privateKey, { label: "own", id: "0x01" });
token.importKey(FOREIGN.privateKey, { label: "foreign", id: "0x02" });

const shim = new Shim(token.libraryPath);
const bare = new BareModule(shim.libraryPath);
const begunWith = shim.stats().sessions;
const open: BareSession[] = [];

function session(): BareSession {
  const opened = bare.open(token.label, token.pin);
  open.push(opened);
  return opened;
}

let own: BareSession;
let key: Buffer;

beforeEach(() => {
  own = session();
  key = own.findKey("own");
});

afterEach(() => {
  shim.clear();
  for (const each of open.splice(0)) {
    try {
      each.close();
    } catch {
      // The test closed it, or let other code close it.
    }
  }
});

afterAll(() => shim.remove());

const calls = (name: ShimFunction) => shim.stats().functions[name].calls;

describe("without a fault", () => {
  test("every call is passed on and counted, and so are the sessions", async () => {
    const before = [calls("C_SignInit"), calls("C_Sign"), calls("C_GetSessionInfo")];
    expect(possibleSigners(DIGEST, await own.sign(key, DIGEST))).toContain(OWN.address);
    bare.cryptoki.C_GetSessionInfo(own.handle);
    const after = [calls("C_SignInit"), calls("C_Sign"), calls("C_GetSessionInfo")];
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 1]);
    expect(shim.stats().sessions).toBe(begunWith + 1);
    const second = session();
    expect(shim.stats()).toMatchObject({ sessions: begunWith + 2, processes: [process.pid], held: 0 });
    second.close();
    expect(shim.stats().sessions).toBe(begunWith + 1);
  });

  test("functions that are not steered are passed on too", () => {
    expect(bare.cryptoki.C_GetInfo().manufacturerID.trim()).toBe("SoftHSM");
    expect(bare.cryptoki.C_GenerateRandom(own.handle, Buffer.alloc(8))).not.toEqual(Buffer.alloc(8));
  });
});

describe("return values", () => {
  test("are given to so many calls, after so many that went well", async () => {
    const hitsBefore = shim.stats().functions.C_GetSessionInfo.hits;
    shim.set("C_GetSessionInfo", { returnValue: FUNCTION_FAILED, skip: 2, count: 3 });
    const outcomes = Array.from({ length: 7 }, () => outcome(() => bare.cryptoki.C_GetSessionInfo(own.handle)));
    expect(outcomes).toEqual(["ok", "ok", 6, 6, 6, "ok", "ok"]);
    expect(shim.stats().functions.C_GetSessionInfo.hits - hitsBefore).toBe(3);
  });

  test("are given to a share of the calls", () => {
    shim.set("C_GetSessionInfo", { returnValue: FUNCTION_FAILED, permille: 250 });
    const outcomes = Array.from({ length: 2_000 }, () => outcome(() => bare.cryptoki.C_GetSessionInfo(own.handle)));
    const failed = outcomes.filter((each) => each === FUNCTION_FAILED).length;
    // Ten standard deviations around the mean of 500.
    expect(failed).toBeGreaterThan(306);
    expect(failed).toBeLessThan(694);
    shim.clear("C_GetSessionInfo");
    expect(outcome(() => bare.cryptoki.C_GetSessionInfo(own.handle))).toBe("ok");
  });

  test.each<ShimFunction>(["C_OpenSession", "C_FindObjectsInit", "C_SignInit", "C_Login", "C_GetSlotList"])(
    "%s gives the one that was asked for",
    (name) => {
      shim.set(name, { returnValue: 0x32, count: 1 });
      expect(outcome(() => session().beginSigning(own.findKey("own")))).toBe(0x32);
      expect(shim.stats().functions[name].hits).toBeGreaterThan(0);
    },
  );
});

describe("a return value that says that the session is closed", () => {
  test.each([
    ["CKR_SESSION_CLOSED", 0xb0],
    ["CKR_SESSION_HANDLE_INVALID", 0xb3],
  ])("%s: the session is closed", (_name, returnValue) => {
    const other = session();
    const { sessions } = shim.stats();
    shim.set("C_GetSessionInfo", { returnValue, count: 1 });
    expect(outcome(() => bare.cryptoki.C_GetSessionInfo(own.handle))).toBe(returnValue);
    expect(shim.stats().sessions).toBe(sessions - 1);
    expect(outcome(() => bare.cryptoki.C_GetSessionInfo(own.handle))).toBe(0xb3);
    expect(outcome(() => bare.cryptoki.C_GetSessionInfo(other.handle))).toBe("ok");
  });
});

describe("held calls", () => {
  test("a delay holds the call, and no other session's", async () => {
    const second = session();
    shim.set("C_Sign", { delayMs: 300, count: 1 });
    const settled: string[] = [];
    const delayed = own.sign(key, DIGEST).then((signature) => {
      settled.push("delayed");
      return signature;
    });
    await until(() => shim.stats().held === 1);
    expect(possibleSigners(DIGEST, await second.sign(key, DIGEST))).toContain(OWN.address);
    settled.push("second");
    expect(possibleSigners(DIGEST, await delayed)).toContain(OWN.address);
    expect(settled).toEqual(["second", "delayed"]);
    expect(shim.stats().held).toBe(0);
  });

  test("a hang holds every call until the fault is cleared", async () => {
    const second = session();
    shim.set("C_Sign", { hangMs: LONG });
    let settled = 0;
    const hung = [own, second].map((each) => each.sign(key, DIGEST).finally(() => (settled += 1)));
    await until(() => shim.stats().held === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(settled).toBe(0);
    expect(shim.stats().functions.C_Sign.mostInside).toBeGreaterThanOrEqual(2);
    shim.clear("C_Sign");
    for (const signature of await Promise.all(hung)) {
      expect(possibleSigners(DIGEST, signature)).toContain(OWN.address);
    }
  });

  test("a hang ends on its own as well, since a synchronous call leaves no code to clear it", () => {
    shim.set("C_FindObjects", { hangMs: 20 });
    expect(outcome(() => own.findKey("own"))).toBe("ok");
  });
});

describe("answers", () => {
  test.each<[ShimFault["answer"], number]>([
    ["garbage", 64],
    ["zero", 64],
    ["short", 63],
    ["long", 65],
    ["empty", 0],
  ])("%s", async (answer = "true", length) => {
    shim.set("C_Sign", { answer, count: 1 });
    const signature = await own.sign(key, DIGEST);
    expect(signature.length).toBe(length);
    expect(possibleSigners(DIGEST, signature)).not.toContain(OWN.address);
    if (answer === "zero") expect(hexlify(signature)).toBe(`0x${"00".repeat(64)}`);
    expect(possibleSigners(DIGEST, await own.sign(key, DIGEST))).toContain(OWN.address);
  });

  test("foreignKey: right, but by another key of the token", async () => {
    shim.set("C_Sign", { answer: "foreignKey", count: 1 });
    expect(possibleSigners(DIGEST, await own.sign(key, DIGEST))).toContain(FOREIGN.address);
    expect(possibleSigners(DIGEST, await own.sign(key, DIGEST))).toContain(OWN.address);
  });

  test("foreignDigest: right, but of another digest", async () => {
    shim.set("C_Sign", { answer: "foreignDigest", count: 1 });
    const signature = await own.sign(key, DIGEST);
    const flipped = getBytes(DIGEST);
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    expect(possibleSigners(hexlify(flipped), signature)).toContain(OWN.address);
    expect(possibleSigners(DIGEST, signature)).not.toContain(OWN.address);
  });

  test("swapped: two sessions get each other's", async () => {
    const second = session();
    shim.set("C_Sign", { answer: "swapped" });
    const before = shim.stats().swaps;
    const [mine = Buffer.alloc(0), other = Buffer.alloc(0)] = await Promise.all([
      own.sign(key, DIGEST),
      second.sign(key, OTHER_DIGEST),
    ]);
    expect(shim.stats().swaps - before).toBe(1);
    expect(possibleSigners(OTHER_DIGEST, mine)).toContain(OWN.address);
    expect(possibleSigners(DIGEST, other)).toContain(OWN.address);
  });
});

describe("breaches of one operation per session at a time", () => {
  test("two calls at once, a second operation, and a close under a call are counted apart", async () => {
    const before = shim.stats();
    shim.set("C_Sign", { hangMs: LONG });
    const hung = own.sign(key, DIGEST);
    await until(() => shim.stats().held === 1);
    bare.cryptoki.C_GetSessionInfo(own.handle);
    const closing = session();
    const other = expect(closing.sign(key, DIGEST)).rejects.toThrow("CKR_SESSION_HANDLE_INVALID");
    await until(() => shim.stats().held === 2);
    closing.close();
    shim.clear();
    await Promise.all([hung, other]);
    own.beginSigning(key);
    expect(outcome(() => own.beginSigning(key))).toBe(0x90);
    const after = shim.stats();
    expect([
      after.overlaps - before.overlaps,
      after.interleavings - before.interleavings,
      after.closedInUse - before.closedInUse,
    ]).toEqual([1, 1, 1]);
  });
});

describe("another user of the module", () => {
  test("closes all sessions", () => {
    shim.otherUser("closeAllSessions");
    expect(outcome(() => own.beginSigning(key))).toBe(0xb3);
    expect(shim.stats()).toMatchObject({ sessions: 0 });
    expect(outcome(() => session().beginSigning(key))).not.toBe(0xb3);
  });

  test("logs out", () => {
    shim.otherUser("logout");
    expect(outcome(() => own.beginSigning(key))).not.toBe("ok");
    expect(shim.stats().sessions).toBe(begunWith + 1);
    expect(() => own.findKey("own")).toThrow("no private key");
  });

  test("finalises, after which every call fails until it is initialised", async () => {
    shim.otherUser("finalize");
    expect(outcome(() => own.beginSigning(key))).toBe(0x190);
    expect(outcome(() => bare.cryptoki.C_GetSlotList(true))).toBe(0x190);
    const again = new BareModule(shim.libraryPath).open(token.label, token.pin);
    open.push(again);
    expect(possibleSigners(DIGEST, await again.sign(again.findKey("own"), DIGEST))).toContain(OWN.address);
  });
});

test("a crash takes the process with it at the call that was named, steered from another process", () => {
  const { C_Sign: before } = shim.stats().functions;
  shim.set("C_Sign", { crash: true, skip: 2, count: 1 });
  const program = `
    const pkcs11js = require("pkcs11js");
    const module = new pkcs11js.PKCS11();
    module.load(process.argv[1]);
    module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    const [library, label, pin] = process.argv.slice(1);
    const slot = module.C_GetSlotList(true).find((each) => module.C_GetTokenInfo(each).label.trimEnd() === label);
    const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    module.C_Login(session, pkcs11js.CKU_USER, pin);
    module.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }]);
    const [key] = module.C_FindObjects(session, 1);
    module.C_FindObjectsFinal(session);
    for (let count = 1; count <= 5; count += 1) {
      module.C_SignInit(session, { mechanism: pkcs11js.CKM_ECDSA }, key);
      module.C_Sign(session, Buffer.alloc(32, 1), Buffer.alloc(64));
      console.log("signed " + count);
    }`;
  const run = () => {
    const args = ["-e", program, shim.libraryPath, token.label, token.pin];
    return spawnSync(process.execPath, args, { encoding: "utf8" });
  };
  const crashed = run();
  expect(crashed).toMatchObject({ signal: "SIGSEGV", stdout: "signed 1\nsigned 2\n" });
  expect(shim.stats().processes).toEqual([process.pid]);
  expect(shim.stats().functions.C_Sign).toMatchObject({ calls: before.calls + 3, hits: before.hits + 1 });
  expect(run()).toMatchObject({ status: 0, stdout: "signed 1\nsigned 2\nsigned 3\nsigned 4\nsigned 5\n" });
});

/** "ok", or the CK_RV that the module gave. */
function outcome(call: () => unknown): number | string {
  try {
    call();
    return "ok";
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    return code || Number(/:(\d+)$/.exec(message)?.[1]) || message;
  }
}
