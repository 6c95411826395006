import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { createToken } from "../support/softhsm-env.ts";
import { everyOutcome, expectNoLeak } from "./outcomes.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { Recorder } from "./recorder.ts";

const WRONG = "planted-wrong-pin";
const IMPORTED = id("an account that moves into a token");
const token = createToken("leaks");
const secrets: readonly Planted[] = [
  { name: "PIN", value: token.pin },
  { name: "wrong PIN", value: WRONG },
  { name: "imported private key", value: IMPORTED },
];
let recorder: Recorder;

beforeAll(() => {
  token.importKey(id("leaks"), { label: "hot" });
  recorder = new Recorder();
});

afterAll(() => {
  recorder.stop();
  expect(leaksIn(recorder.text, secrets)).toEqual([]);
});

describe.each([[undefined], ["process"]] as const)("isolation: %s", (isolation) => {
  const common = {
    libraryPath: token.libraryPath,
    tokenLabel: token.label,
    keyLabel: "hot",
    isolation,
    timeout: 20_000,
  };

  test.each<[string, Partial<Pkcs11SignerOptions>]>([
    ["success", { pin: token.pin }],
    ["success by a function", { pin: () => token.pin }],
    ["a refused PIN", { pin: WRONG }],
    ["a refused PIN by a function", { pin: async () => WRONG }],
    ["no such key", { pin: token.pin, keyLabel: "none" }],
    ["no such token", { pin: token.pin, tokenLabel: "none" }],
    ["no such library", { pin: token.pin, libraryPath: "/nonexistent/library.so" }],
    ["a PIN that is none", { pin: "" }],
  ])("signing: %s", async (_name, more) => {
    const outcomes: unknown[] = [];
    try {
      const signer = new Pkcs11Signer({ ...common, pin: token.pin, ...more });
      outcomes.push(...(await everyOutcome(signer)));
      await signer.close();
    } catch (error) {
      outcomes.push(error);
    }
    expect(outcomes).not.toEqual([]);
    expectNoLeak(outcomes, secrets);
  });

  test("importing a key: well, by another address, and under a PIN that is refused", async () => {
    const { keyLabel: _label, ...rest } = common;
    const store = new Pkcs11KeyStore({ ...rest, pin: token.pin });
    const refused = new Pkcs11KeyStore({ ...rest, pin: WRONG });
    const label = `moved-${isolation}`;
    const expectedAddress = "0x000000000000000000000000000000000000dEaD";
    const outcomes = await Promise.all(
      [
        store.importKey(IMPORTED, { name: label }),
        store.importKey(IMPORTED, { name: `${label}-2`, expectedAddress }),
        refused.importKey(IMPORTED, { name: `${label}-3` }),
      ].map((each) => each.catch((error: unknown) => error)),
    );
    expectNoLeak([store, refused, ...outcomes], secrets);
    await Promise.all([store.close(), refused.close()]);
  });
});

describe("the process of an isolated library", () => {
  const options = {
    libraryPath: token.libraryPath,
    tokenLabel: token.label,
    pin: token.pin,
    keyLabel: "hot",
    isolation: "process",
  } as const;

  test("has the PIN neither in its arguments nor in its environment; nor has this one's report", async () => {
    const signer = new Pkcs11Signer(options);
    await signer.signMessage("x");
    const [pid] = isolatedProcesses();
    expect(pid).toBeDefined();
    for (const file of ["cmdline", "environ"]) {
      const content = readFileSync(`/proc/${pid}/${file}`, "utf8");
      expect(content.length).toBeGreaterThan(10);
      expect(leaksIn(content, secrets)).toEqual([]);
    }
    expect(leaksIn(JSON.stringify(process.report.getReport()), secrets)).toEqual([]);
    await signer.close();
  });

  test("leaks nothing when it crashes", async () => {
    const signer = new Pkcs11Signer({ ...options, timeout: 20_000 });
    await signer.getAddress();
    const signing = Promise.allSettled(Array.from({ length: 20 }, (_, index) => signer.signMessage(`${index}`)));
    for (const pid of isolatedProcesses()) process.kill(Number(pid), "SIGSEGV");
    expectNoLeak([...(await signing), ...(await everyOutcome(signer))], secrets);
    await signer.close();
  });
});
