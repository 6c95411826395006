import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { getBytes, id, verifyMessage, Wallet } from "ethers";
import pkcs11js from "pkcs11js";
import { RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, type Pkcs11StoreOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { openSessions } from "../support/session-count.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

const LABELS = ["a", "b", "c"];
const stores: Pkcs11KeyStore[] = [];
let token: SoftHsmToken;

function open(options: Partial<Pkcs11StoreOptions> = {}): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, ...options });
  stores.push(store);
  return store;
}

async function addresses(store: Pkcs11KeyStore): Promise<string[]> {
  const { stored, failed } = await collect(store.list());
  expect(failed).toEqual([]);
  return stored.map(({ address }) => address).sort();
}

beforeEach(() => {
  token = createToken("store-sessions");
  for (const [index, label] of LABELS.entries()) token.importKey(id(label), { label, id: `0x0${index + 1}` });
});

afterEach(async () => {
  restore();
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

const all = LABELS.map((label) => new Wallet(id(label)).address).sort();

describe("the store's session", () => {
  test("is opened by the first call, outlives its keys, and ends with the store, as its keys do", async () => {
    const before = openSessions();
    const store = open();
    expect(openSessions()).toBe(before);
    const { stored } = await collect(store.list());
    const [first, second] = stored.map(({ key }) => new RemoteSigner(key));
    await first?.close();
    await expect(first?.signMessage("late")).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await second?.signMessage("still");
    expect(openSessions()).toBe(before + 1);
    await Promise.all([store.close(), store.close()]);
    expect([openSessions(), token.isLoggedIn()]).toEqual([before, false]);
    await expect(second?.signMessage("late")).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await expect(collect(store.list())).rejects.toMatchObject({ code: "SIGNER_CLOSED", backend: "pkcs11" });
    await expect(store.createKey({ name: "late" })).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await expect(store.health()).resolves.toMatchObject({ reachable: false, error: { code: "SIGNER_CLOSED" } });
  });

  test("closed under us between two pages: the listing is complete all the same", async () => {
    let pages = 0;
    intercept("C_FindObjects", (call, [session]) => {
      pages += 1;
      if (pages === 2) token.closeAllSessions();
      return call(session, 1);
    });
    await expect(addresses(open())).resolves.toEqual(all);
  });

  test("closed under us between two keys: likewise, and the keys given before still sign", async () => {
    const store = open();
    const signed: string[] = [];
    for await (const listed of store.list()) {
      token.closeAllSessions();
      if (!("key" in listed)) throw listed.error;
      const signer = new RemoteSigner(listed.key);
      signed.push(verifyMessage("again", await signer.signMessage("again")));
    }
    expect(signed.sort()).toEqual(all);
  });

  test("lost again and again: the listing fails with a retryable error, and the next one is complete", async () => {
    const store = open();
    intercept("C_FindObjects", () => {
      throw returnValue("CKR_SESSION_HANDLE_INVALID", 0xb3);
    });
    await expect(addresses(store)).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
      backend: "pkcs11",
      operation: "C_FindObjects",
    });
    restore();
    await expect(addresses(store)).resolves.toEqual(all);
  });

  test("logged out by other code of the process: that is no empty token", async () => {
    const store = open();
    await addresses(store);
    token.withSession((library, session) => library.C_Logout(session));
    await expect(addresses(store)).resolves.toEqual(all);
  });

  test("one key that the token does not read is reported, and ends nothing", async () => {
    const store = open();
    intercept("C_GetAttributeValue", (call, args) => {
      const [, , template] = args as [Buffer, Buffer, { type: number }[]];
      if (!template.some(({ type }) => type === pkcs11js.CKA_SIGN)) return call(...args);
      const values = call(args[0], args[1], [{ type: pkcs11js.CKA_LABEL }]) as { value: Buffer }[];
      if (values[0]?.value.toString() === "b") throw returnValue("CKR_FUNCTION_FAILED", 0x06);
      return call(...args);
    });
    const { stored, failed } = await collect(store.list());
    expect(stored).toHaveLength(2);
    expect(failed).toMatchObject([{ name: "b", error: { code: "BACKEND_UNAVAILABLE", info: { returnValue: 6 } } }]);
  });
});

describe("keys that change", () => {
  test("one that is gone is no longer listed; a new one is", async () => {
    const store = open();
    await addresses(store);
    token.deleteKeys("a");
    token.importKey(id("d"), { label: "d", id: "0x09" });
    await expect(addresses(store)).resolves.toEqual(
      ["b", "c", "d"].map((label) => new Wallet(id(label)).address).sort(),
    );
  });

  test("one that goes away while the listing goes on is left out", async () => {
    const names: (string | undefined)[] = [];
    for await (const { name } of open().list()) {
      names.push(name);
      for (const label of LABELS) if (label !== name) token.deleteKeys(label);
    }
    expect(names).toHaveLength(1);
  });

  test("one that was replaced under its name is listed again, and refused to holders of the former", async () => {
    const store = open({ namePrefix: "a" });
    const [former] = (await collect(store.list())).stored;
    token.deleteKeys("a");
    token.importKey(id("another"), { label: "a", id: "0x01" });
    const [latter] = (await collect(store.list())).stored;
    expect(latter?.address).toBe(new Wallet(id("another")).address);
    expect(latter?.key.id).toBe(former?.key.id);
    const digest = getBytes(id("digest"));
    await expect(former?.key.signDigest(digest)).rejects.toMatchObject({
      code: "KEY_CHANGED",
      info: { previous: { address: former?.address }, current: { address: latter?.address } },
    });
  });
});

describe("health", () => {
  test("of a token that answers: signing is known once a key was listed", async () => {
    const store = open();
    const healthy = { reachable: true, canList: true, error: undefined };
    await expect(store.health()).resolves.toEqual({ ...healthy, canSign: undefined });
    await addresses(store);
    token.closeAllSessions();
    await expect(store.health()).resolves.toEqual({ ...healthy, canSign: true });
    intercept("C_GetMechanismList", () => []);
    await expect(store.health()).resolves.toEqual({ ...healthy, canSign: false });
  });

  test("of a wrong PIN, which is tried once and shows nowhere", async () => {
    let asked = 0;
    const pin = () => {
      asked += 1;
      return "planted-wrong-pin";
    };
    const store = open({ pin });
    const health = await store.health();
    expect(health).toMatchObject({ reachable: true, canList: false, canSign: false, error: { code: "ACCESS_DENIED" } });
    const error: unknown = await collect(store.list()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ACCESS_DENIED", backend: "pkcs11" });
    expect(inspect([health, error, store], { depth: Infinity, showHidden: true })).not.toContain("planted-wrong-pin");
    expect(asked).toBe(1);
  });

  test.each<[string, Partial<Pkcs11StoreOptions>, string]>([
    ["no such token", { tokenLabel: "nowhere" }, "KEY_NOT_FOUND"],
    ["no such library", { libraryPath: "/nowhere/lib.so" }, "DEPENDENCY_MISSING"],
    ["a PIN function that fails", { pin: () => Promise.reject(new Error("vault")) }, "BACKEND_UNAVAILABLE"],
  ])("of %s", async (_name, options, code) => {
    const health = await open(options).health();
    expect(health).toMatchObject({ reachable: false, canList: undefined, canSign: undefined, error: { code } });
  });

  test("an abort rejects with its reason, also while the PIN function hangs", async () => {
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const pin = () => {
      controller.abort(reason);
      return new Promise<string>(() => undefined);
    };
    await expect(open({ pin }).health({ signal: controller.signal })).rejects.toBe(reason);
  });
});
