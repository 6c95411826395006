import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { collect } from "../support/listing.ts";
import { openSessions } from "../support/session-count.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("isolated");
const { address } = new Wallet(PRIVATE_KEY);
const token = createToken("isolation");
const named = {
  libraryPath: token.libraryPath,
  tokenLabel: token.label,
  pin: token.pin,
  keyLabel: "hot",
  isolation: "process",
} as const;
const opened: { close(): Promise<void> }[] = [];

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ ...named, ...change });
  opened.push(signer);
  return signer;
}

beforeAll(() => {
  token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
  token.importKey(id("second"), { label: "second", id: "0x02" });
}, 60_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  expect(isolatedProcesses()).toEqual([]);
});

describe('isolation: "process"', () => {
  test("signs in one process for all signers and stores, in no session of this one", async () => {
    const before = openSessions();
    const store = new Pkcs11KeyStore({ ...named, namePrefix: "s" });
    opened.push(store);
    const [first, second] = [open(), open({ keyLabel: "second" })];
    const messages = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    const signatures = await Promise.all(messages.map((message) => first.signMessage(message)));
    expect(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature))).toEqual(
      messages.map(() => address),
    );
    const { stored } = await collect(store.list());
    expect(stored.map((each) => each.address)).toEqual([await second.getAddress()]);
    expect(isolatedProcesses()).toHaveLength(1);
    expect(openSessions()).toBe(before);
  });

  test("makes and imports keys there too", async () => {
    const store = new Pkcs11KeyStore(named);
    opened.push(store);
    const made = await store.createKey({ name: "made" });
    const imported = await store.importKey(id("imported"), { name: "imported" });
    expect(imported.address).toBe(new Wallet(id("imported")).address);
    expect((await made.key.getPublicKey()).length).toBe(65);
    token.deleteKeys("made");
    token.deleteKeys("imported");
  });

  test("neither the arguments nor the environment of the process hold the PIN, and it listens on no port", async () => {
    const signer = open();
    await signer.signMessage("hello");
    const [pid] = isolatedProcesses();
    for (const file of ["cmdline", "environ"]) {
      expect(readFileSync(`/proc/${pid}/${file}`, "latin1")).not.toContain(token.pin);
    }
    const inodes = new Set(
      ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
        readFileSync(`/proc/${pid}/net/${table}`, "utf8")
          .split("\n")
          .slice(1)
          .map((line) => line.trim().split(/\s+/)[9]),
      ),
    );
    const descriptors = execFileSync("ls", ["-l", `/proc/${pid}/fd`], { encoding: "utf8" });
    const sockets = Array.from(descriptors.matchAll(/socket:\[(\d+)\]/g), ([, inode]) => inode);
    expect(sockets.length).toBeGreaterThan(0);
    expect(sockets.filter((inode) => inodes.has(inode))).toEqual([]);
  });

  test("a process that is killed, again and again, is started again, and every call gets its signature", async () => {
    const signer = open();
    for (const round of [1, 2]) {
      await signer.signMessage("warm");
      const messages = Array.from({ length: 25 }, (_, index) => `payment ${round}.${index}`);
      const signing = messages.map((message) => signer.signMessage(message));
      await signing[0];
      for (const pid of isolatedProcesses()) process.kill(pid, "SIGKILL");
      const signatures = await Promise.all(signing);
      expect(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature))).toEqual(
        messages.map(() => address),
      );
    }
  });

  test("signers that come while the process starts again wait for it", async () => {
    await open().signMessage("warm");
    for (const pid of isolatedProcesses()) process.kill(pid, "SIGKILL");
    const signing: Promise<string>[] = [];
    for (let index = 0; index < 40; index += 1) {
      const signer = open({ keyLabel: index % 2 ? "second" : "hot" });
      signing.push(signer.signMessage("hello"));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const second = new Wallet(id("second")).address;
    const signers = (await Promise.all(signing)).map((signature) => verifyMessage("hello", signature));
    expect(signers).toEqual(signing.map((_, index) => (index % 2 ? second : address)));
  });

  test("says what is wrong as it does in this process", async () => {
    await expect(open({ keyLabel: "none" }).getAddress()).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    await expect(open({ libraryPath: "/nowhere/libsofthsm2.so" }).getAddress()).rejects.toMatchObject({
      code: "DEPENDENCY_MISSING",
    });
    await expect(open({ libraryPath: __filename }).getAddress()).rejects.toMatchObject({ code: "DEPENDENCY_MISSING" });
    // A login counts for the whole process: who is not the first does not log in at all.
    await Promise.all(opened.splice(0).map((each) => each.close()));
    const wrong = open({ pin: "planted-wrong-pin" });
    const denied = { code: "ACCESS_DENIED", retryable: false, info: { returnValue: 160 }, operation: "C_Login" };
    await expect(wrong.getAddress()).rejects.toMatchObject(denied);
  });
});
