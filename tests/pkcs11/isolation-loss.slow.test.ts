import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { serialize } from "node:v8";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { Shim, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { createToken } from "../support/softhsm-env.ts";
import { objectsNamed } from "../support/softhsm-objects.ts";
import { until } from "../support/until.ts";

const PRIVATE_KEY = id("isolation loss");
const { address } = new Wallet(PRIVATE_KEY);
const ATTRIBUTE_TYPE_INVALID = 0x12;
const DEVICE_MEMORY = 0x31;

const token = createToken("isolation-loss");
token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
const other = createToken("isolation-loss-other");
other.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
const shim = new Shim(token.libraryPath);
const { label: tokenLabel, pin } = token;
const named = { libraryPath: shim.libraryPath, tokenLabel, pin, isolation: "process" } as const;
const opened: { close(): Promise<void> }[] = [];

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ ...named, keyLabel: "hot", ...change });
  opened.push(signer);
  return signer;
}

function openStore(): Pkcs11KeyStore {
  const store = new Pkcs11KeyStore(named);
  opened.push(store);
  return store;
}

const calls = (name: ShimFunction) => shim.stats().functions[name].calls;

/** Holds this process up, so that nothing arrives and no timer runs meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

afterEach(async () => {
  shim.clear();
  await Promise.all(opened.splice(0).map((each) => each.close()));
  expect(isolatedProcesses()).toEqual([]);
});

afterAll(() => shim.remove());

describe("the process of a library", () => {
  test("that is gone without this one having noticed: the call gets its signature from another", async () => {
    const signer = open();
    await signer.getAddress();
    const [pid] = isolatedProcesses();
    process.kill(pid as number, "SIGKILL");
    block(200);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    expect(isolatedProcesses()).not.toContain(pid);
  });

  test("whose response is read late, since this process was busy: the child is kept", async () => {
    const hangTimeout = 1_500;
    const signer = open({ hangTimeout });
    await signer.getAddress();
    const before = isolatedProcesses();
    shim.set("C_Sign", { delayMs: 300, count: 1 });
    const signing = signer.signMessage("hello");
    await until(() => shim.stats().held > 0);
    // After an immediate come the timers, and the responses of meanwhile only then.
    await new Promise((resolve) => setImmediate(resolve));
    block(hangTimeout + 500);
    expect(verifyMessage("hello", await signing)).toBe(address);
    expect(isolatedProcesses()).toEqual(before);
  });

  test("that ends on its own, each time that it is started: why is said", async () => {
    process.env["NODE_OPTIONS"] = "--import data:text/javascript,process.exit(3)";
    try {
      await expect(open().getAddress()).rejects.toMatchObject({
        ...{ code: "BACKEND_UNAVAILABLE", retryable: true },
        message: expect.stringContaining("the process of the PKCS#11 library ended with exit code 3"),
      });
    } finally {
      delete process.env["NODE_OPTIONS"];
    }
  });

  test("stays the same where only the library in it was finalised by another user of it", async () => {
    const signer = open();
    await signer.getAddress();
    const before = isolatedProcesses();
    const starts = calls("C_Initialize");
    shim.otherUser("finalize");
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    expect(shim.stats().otherUserActions).toBe(1);
    expect(calls("C_Initialize")).toBe(starts + 1);
    expect(isolatedProcesses()).toEqual(before);
  });
});

describe("a library that writes into the pipes of its process ends that, and not this one", () => {
  const written = join(mkdtempSync(join(tmpdir(), "ethers-hsm-written-")), "bytes");
  // Code in the child, which a library could hold as well: it writes what the test puts into a file.
  const writer = `
    import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeSync } from "node:fs";
    setInterval(() => {
      if (!existsSync(${JSON.stringify(written)})) return;
      const bytes = readFileSync(${JSON.stringify(written)});
      rmSync(${JSON.stringify(written)});
      for (const fd of readdirSync("/proc/self/fd")) try {
        if (fd > 2 && readlinkSync("/proc/self/fd/" + fd).startsWith("socket:")) writeSync(Number(fd), bytes);
      } catch {}
    }, 5);`;
  const write = (bytes: Uint8Array) => {
    writeFileSync(`${written}.part`, bytes);
    renameSync(`${written}.part`, written);
  };
  const prefixed = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);

  test.each<[string, Uint8Array]>([
    ["4 zero bytes", Buffer.alloc(4)],
    ["a line of text", Buffer.from("library: connection lost\n")],
    ["a message that is null", prefixed(serialize(null))],
    ["a message of Node's own", prefixed(serialize({ cmd: "NODE_HANDLE_ACK" }))],
    ["10 MB of nothing", Buffer.alloc(10_000_000)],
  ])("%s", async (_name, bytes) => {
    process.env["NODE_OPTIONS"] = `--import data:text/javascript,${encodeURIComponent(writer)}`;
    try {
      const signer = open();
      await signer.getAddress();
      const [idle] = isolatedProcesses();
      write(bytes);
      await until(() => !isolatedProcesses().includes(idle as number));
      shim.set("C_Sign", { delayMs: 60_000, count: 1 });
      const signing = signer.signMessage("hello");
      await until(() => shim.stats().held === 1);
      write(bytes);
      expect(verifyMessage("hello", await signing)).toBe(address);
    } finally {
      delete process.env["NODE_OPTIONS"];
    }
  });
});

describe("a key that is made in another process", () => {
  test("is removed where its public half is refused", async () => {
    const store = openStore();
    await store.health();
    shim.set("C_CreateObject", { returnValue: DEVICE_MEMORY, skip: 1 });
    await expect(store.importKey(id("undone"), { name: "undone" })).rejects.toMatchObject({
      ...{ operation: "C_CreateObject", info: { returnValue: DEVICE_MEMORY } },
    });
    expect(objectsNamed(token, "undone")).toEqual([]);
  });

  test("is unwrapped where the token takes no private key in the clear", async () => {
    const store = openStore();
    shim.set("C_CreateObject", { returnValue: ATTRIBUTE_TYPE_INVALID, count: 1 });
    const { key, address: imported } = await store.importKey(id("wrapped"), { name: "wrapped" });
    expect(imported).toBe(new Wallet(id("wrapped")).address);
    await expect(key.signDigest(new Uint8Array(32))).resolves.toMatchObject({ r: expect.anything() });
    token.deleteKeys("wrapped");
  });
});

describe("a caller who has left and closed the signer", () => {
  test("before the library was loaded: the process ends all the same", async () => {
    const signer = open({ libraryPath: __filename });
    const controller = new AbortController();
    const left = signer.health({ signal: controller.signal });
    await until(() => isolatedProcesses().length > 0);
    controller.abort(new Error("no longer wanted"));
    await expect(left).rejects.toThrow("no longer wanted");
    await signer.close();
    expect(isolatedProcesses()).toEqual([]);
  });

  test("while its session was opened: that session is closed, and other tokens keep theirs", async () => {
    const staying = open({ tokenLabel: other.label, sessions: 1 });
    const leaving = open({ sessions: 2 });
    await Promise.all([staying.getAddress(), leaving.getAddress()]);
    // The user stays logged in, and the second call finds no session that waits for work.
    shim.set("C_Sign", { delayMs: 300, count: 1 });
    const working = leaving.signMessage("working");
    await until(() => shim.stats().held === 1);
    shim.set("C_OpenSession", { delayMs: 600, count: 1 });
    const controller = new AbortController();
    const left = leaving.signDigest(id("left"), { signal: controller.signal });
    await until(() => shim.stats().held === 2);
    controller.abort(new Error("no longer wanted"));
    await expect(left).rejects.toThrow("no longer wanted");
    await leaving.close();
    expect(verifyMessage("working", await working)).toBe(address);
    await until(() => shim.stats().sessions === 1);
    await setTimeout(100);
    expect(shim.stats()).toMatchObject({ sessions: 1, held: 0 });
    expect(verifyMessage("staying", await staying.signMessage("staying"))).toBe(address);
  });
});
