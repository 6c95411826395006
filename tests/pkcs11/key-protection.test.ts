import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { getBytes, id, SigningKey, Wallet } from "ethers";
import { isStoredKey } from "../../src/index.ts";
import { Pkcs11Key, Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";

const token = createToken("key-protection");
const { libraryPath, label: tokenLabel, pin } = token;
const opened: { close(): Promise<void> }[] = [];

function open(keyLabel: string, change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel, ...change });
  opened.push(signer);
  return signer;
}

beforeAll(() => {
  token.importKey(id("kept"), { label: "kept", id: "0x01" });
  token.importKey(id("loose"), { label: "loose", id: "0x02", extractable: true });
});

afterEach(async () => {
  restore();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe("key protection", () => {
  test("an extractable key signs, and is warned of once", async () => {
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await open("kept").signMessage("hello");
    for (const signer of [open("loose"), open("loose")]) await signer.signMessage("hello");
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining("CKA_EXTRACTABLE"), { type: "SecurityWarning", code: "ETHERS_HSM_EXTRACTABLE_KEY" }],
    ]);
    warn.mockRestore();
  });

  test("with requireNonExtractable it is refused before anything is signed", async () => {
    const refused = { code: "KEY_UNUSABLE", retryable: false, info: { extractable: true, sensitive: true } };
    await expect(open("loose", { requireNonExtractable: true }).getAddress()).rejects.toMatchObject(refused);
    const kept = open("kept", { requireNonExtractable: true });
    await expect(kept.getAddress()).resolves.toBe(new Wallet(id("kept")).address);
  });

  test("the refusal names everything that is wrong with the key", async () => {
    token.importKey(id("open"), { label: "open", id: "0x03", sensitive: false, extractable: true });
    await expect(open("open", { requireNonExtractable: true }).getAddress()).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringMatching(/CKA_EXTRACTABLE is true.* and .*CKA_SENSITIVE is false/),
      info: { extractable: true, sensitive: false },
    });
    token.deleteKeys("open");
  });

  test("with requireNonExtractable a store lists it as a failure", async () => {
    const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, requireNonExtractable: true });
    opened.push(store);
    const outcomes: unknown[] = [];
    for await (const listed of store.list()) outcomes.push([listed.name, isStoredKey(listed) || listed.error.code]);
    expect(outcomes.sort()).toEqual([
      ["kept", true],
      ["loose", "KEY_UNUSABLE"],
    ]);
  });
});

describe("health", () => {
  test("of a key that could sign now", async () => {
    const health = await open("loose").health();
    expect(health).toMatchObject({
      ready: true,
      loggedIn: true,
      slot: token.slot,
      library: { description: expect.stringContaining("PKCS11"), version: expect.stringMatching(/^\d+\.\d+$/) },
      token: { label: token.label, manufacturer: expect.stringContaining("SoftHSM") },
      sessions: { busy: 0, idle: 1, abandoned: 0, waiting: 0 },
      key: { sensitive: true, extractable: true },
      error: undefined,
      lastError: undefined,
    });
    expect(health.key?.publicKey).toEqual(getBytes(new SigningKey(id("loose")).publicKey));
  });

  test("of a key without a signer", async () => {
    const key = new Pkcs11Key({ libraryPath, tokenLabel, pin, keyLabel: "kept" });
    opened.push(key);
    await expect(key.health()).resolves.toMatchObject({ ready: true, key: { sensitive: true, extractable: false } });
  });

  test("of a key that is not there, a token that is not there, and a library that is not there", async () => {
    await expect(open("none").health()).resolves.toMatchObject({
      ready: false,
      token: { label: token.label },
      key: undefined,
      error: { code: "KEY_NOT_FOUND" },
    });
    await expect(open("kept", { tokenLabel: "nowhere" }).health()).resolves.toMatchObject({
      ready: false,
      library: undefined,
      error: { code: "KEY_NOT_FOUND" },
    });
    await expect(open("kept", { libraryPath: "/nowhere/lib.so" }).health()).resolves.toMatchObject({
      ready: false,
      error: { code: "DEPENDENCY_MISSING" },
    });
  });

  test("remembers a failure that was cured", async () => {
    const signer = open("kept");
    await signer.getAddress();
    let calls = 0;
    intercept("C_SignCallback", (call, args) => {
      calls += 1;
      if (calls === 1) throw returnValue("CKR_FUNCTION_FAILED", 6);
      return call(...args);
    });
    await signer.signMessage("hello");
    await expect(signer.health()).resolves.toMatchObject({ ready: true, lastError: { info: { returnValue: 6 } } });
  });

  test("of a closed signer, and ends with an abort", async () => {
    const signer = open("kept");
    const reason = new Error("no longer wanted");
    await expect(signer.health({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await signer.close();
    await expect(signer.health()).resolves.toMatchObject({ ready: false, error: { code: "SIGNER_CLOSED" } });
  });
});
