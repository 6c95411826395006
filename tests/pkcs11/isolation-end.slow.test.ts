import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { Shim, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { createToken } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";

const PARENT = fileURLToPath(new URL("./isolation-parent.ts", import.meta.url));
const PRIVATE_KEY = id("isolation end");

const token = createToken("isolation-end");
token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
const shim = new Shim(token.libraryPath);
const options = {
  ...{ libraryPath: shim.libraryPath, tokenLabel: token.label, pin: token.pin, keyLabel: "hot" },
  isolation: "process",
} as const;
let parent: ChildProcess | undefined;

// On the main thread of the child, and on another one.
const HUNG: readonly ShimFunction[] = ["C_Initialize", "C_SignInit", "C_Sign"];
const ENDS: readonly [string, "exit" | "crash" | "stay", (parent: ChildProcess) => void][] = [
  ["is killed", "stay", (parent) => parent.kill("SIGKILL")],
  ["is terminated", "stay", (parent) => parent.kill("SIGTERM")],
  ["exits", "exit", (parent) => parent.stdin?.write("end")],
  ["crashes", "crash", (parent) => parent.stdin?.write("end")],
];

afterEach(() => {
  parent?.kill("SIGKILL");
  parent = undefined;
  shim.clear();
});

afterAll(() => shim.remove());

describe.each(HUNG)("a child that hangs in %s", (hung) => {
  test.each(ENDS)("ends when its parent %s, and its sessions with it", async (_name, kind, end) => {
    shim.set(hung, { hangMs: 120_000 });
    const args = ["--import", "tsx", PARENT, JSON.stringify(options), kind];
    parent = spawn(process.execPath, args, { stdio: ["pipe", "inherit", "inherit"] });
    await until(() => shim.stats().held === 1);
    const [child] = shim.stats().processes;
    expect(child).not.toBe(parent.pid);
    end(parent);
    await until(() => shim.stats().processes.length === 0);
    expect(shim.stats()).toMatchObject({ sessions: 0, held: 0 });
  });

  test("ends by SIGTERM, and the call gets its signature from the next", async () => {
    const signer = new Pkcs11Signer(options);
    shim.set(hung, { hangMs: 120_000, count: 1 });
    const signing = signer.signMessage("hello");
    await until(() => shim.stats().held === 1);
    const [child = 0] = isolatedProcesses();
    process.kill(child, "SIGTERM");
    expect(verifyMessage("hello", await signing)).toBe(new Wallet(PRIVATE_KEY).address);
    expect(isolatedProcesses()).not.toContain(child);
    await signer.close();
  });
});
