import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import pkcs11js from "pkcs11js";
import { isStoredKey } from "../../src/accounts/key-store.ts";
import { RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, type Pkcs11StoreOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { countCalls, restore } from "../support/pkcs11-faults.ts";
import { openSessions } from "../support/session-count.ts";
import { createToken } from "../support/softhsm-env.ts";

const P256_PARAMS = "0x06082a8648ce3d030107";
const crowd = createToken("crowd");
const odd = createToken("odd");
const stores: Pkcs11KeyStore[] = [];

function open(token: typeof crowd, options: Partial<Pkcs11StoreOptions> = {}): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, ...options });
  stores.push(store);
  return store;
}

function number(index: number): string {
  return `0x${(index + 1).toString(16).padStart(4, "0")}`;
}

function importOtherKinds(): void {
  for (let index = 0; index < 50; index += 1) {
    crowd.generateKey({ label: `p256-${index}`, id: `0xaa${number(index).slice(2)}`, curve: P256_PARAMS });
  }
  crowd.withSession((library, session) => {
    const owned = [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_LABEL, value: "other" },
    ];
    for (let index = 0; index < 95; index += 1) {
      const length = { type: pkcs11js.CKA_VALUE_LEN, value: 32 };
      library.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [...owned, length]);
    }
    for (let index = 0; index < 5; index += 1) {
      const bits = { type: pkcs11js.CKA_MODULUS_BITS, value: 1024 };
      const exponent = { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) };
      const mechanism = { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN };
      library.C_GenerateKeyPair(session, mechanism, [...owned, bits, exponent], owned);
    }
  });
}

afterEach(async () => {
  restore();
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

afterAll(() => {
  expect([crowd.isLoggedIn(), odd.isLoggedIn()]).toEqual([false, false]);
});

describe("100 keys among 150 of other kinds", () => {
  const keys = Array.from({ length: 100 }, (_, index) => ({
    label: `hot-${index}`,
    wallet: new Wallet(id(`${index}`)),
  }));

  let before: number;

  beforeAll(() => {
    before = openSessions();
    for (const [index, { label, wallet }] of keys.entries()) {
      crowd.importKey(wallet.privateKey, { label, id: number(index) });
    }
    importOtherKinds();
  }, 120_000);

  test("are listed all, with their names and addresses, on one session", async () => {
    const { stored, failed } = await collect(open(crowd).list());
    expect(failed).toEqual([]);
    expect(new Map(stored.map(({ name, address }) => [name, address]))).toEqual(
      new Map(keys.map(({ label, wallet }) => [label, wallet.address])),
    );
    expect(stored).toHaveLength(100);
    expect(openSessions() - before).toBe(1);
  });

  test("sign over the token's sessions, and know their public keys", async () => {
    const { stored } = await collect(open(crowd).list());
    const calls = countCalls("C_GetAttributeValue");
    const signed = await Promise.all(
      stored.map(async ({ key }) => verifyMessage("hello", await new RemoteSigner(key).signMessage("hello"))),
    );
    expect(signed).toEqual(stored.map(({ address }) => address));
    expect(calls()).toBe(0);
    expect(openSessions() - before).toBe(3);
  });

  test("are not read again by the next listing", async () => {
    const store = open(crowd);
    const first = await collect(store.list());
    const calls = countCalls("C_FindObjects");
    const second = await collect(store.list());
    expect(second.stored.map(({ address }) => address)).toEqual(first.stored.map(({ address }) => address));
    // The pages of all private EC keys, none for a public one.
    expect(calls()).toBe(4);
  });

  test.each<[string, Partial<Pkcs11StoreOptions>, number]>([
    ["a label's beginning", { namePrefix: "hot-9" }, 11],
    ["a beginning that no label has", { namePrefix: "cold" }, 0],
    ["an id", { keyId: number(5) }, 1],
    ["both", { keyId: number(5), namePrefix: "hot-9" }, 0],
  ])("are filtered by %s", async (_name, options, count) => {
    const { stored, failed } = await collect(open(crowd, options).list());
    expect([stored.length, failed.length]).toEqual([count, 0]);
  });

  test("leave the event loop its turns", async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    });
    await collect(open(crowd).list());
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });

  test("may be used while the listing goes on, which may be left", async () => {
    const store = open(crowd);
    let seen = 0;
    for await (const listed of store.list()) {
      if (!isStoredKey(listed)) throw listed.error;
      const signature = await new RemoteSigner(listed.key).signMessage("meanwhile");
      expect(verifyMessage("meanwhile", signature)).toBe(listed.address);
      seen += 1;
      if (seen === 3) break;
    }
    expect((await collect(store.list())).stored).toHaveLength(100);
  });

  test("an abort ends the listing with its reason, and not the store", async () => {
    const store = open(crowd);
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const listing = async () => {
      for await (const _listed of store.list({ signal: controller.signal })) controller.abort(reason);
    };
    await expect(listing()).rejects.toBe(reason);
    await expect(collect(store.list({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect((await collect(store.list())).stored).toHaveLength(100);
  });
});

describe("odd keys", () => {
  const oddLabels = ["a b;c/é", '"quoted" \\ and \n', "日本語 🔑", " padded ", "'; DROP TABLE keys", "same-id"];

  beforeAll(() => {
    for (const [index, label] of oddLabels.entries()) odd.importKey(id(label), { label, id: number(index) });
    odd.importKey(id("same id again"), { label: "same-id-again", id: number(5) });
    odd.importKey(id("same label 1"), { label: "same-label", id: "0x2001" });
    odd.importKey(id("same label 2"), { label: "same-label", id: "0x2002" });
    odd.importKey(id("alike 1"), { label: "alike", id: "0x30" });
    odd.importKey(id("alike 2"), { label: "alike", id: "0x30" });
    odd.importKey(id("lonely"), { label: "lonely", id: "0x40", publicObject: false });
    odd.importKey(id("orphan"), { label: "same-label", id: "0x41", publicObject: false });
    odd.importKey(id("mute"), { label: "mute", id: "0x42", sign: false });
    odd.importKey(id("torn 1"), { label: "torn", id: "0x71" });
    odd.importKey(id("torn 2"), { label: "torn-2", id: "0x72", publicObject: { id: "0x71", label: "torn" } });
    odd.importKey(id("not text"), { label: "not-text", id: "0x80" });
    odd.withSession((library, session) => {
      library.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_LABEL, value: "not-text" }]);
      const objects = library.C_FindObjects(session, 2);
      library.C_FindObjectsFinal(session);
      const label = { type: pkcs11js.CKA_LABEL, value: Buffer.from([0xff, 0xfe]) };
      for (const object of objects) library.C_SetAttributeValue(session, object, [label]);
    });
  });

  test("are told apart by label and id, and sign", async () => {
    const store = open(odd);
    const { stored } = await collect(store.list());
    const addresses = new Map(stored.map(({ key, address }) => [key.id, address]));
    const uri = (label: string, keyId: string) =>
      `${store.id};object=${encodeURIComponent(label)};id=${keyId.replace(/../g, "%$&").slice(3)}`;
    for (const [index, label] of oddLabels.entries()) {
      expect([label, addresses.get(uri(label, number(index)))]).toEqual([label, new Wallet(id(label)).address]);
    }
    expect(addresses.get(uri("same-id-again", number(5)))).toBe(new Wallet(id("same id again")).address);
    expect(addresses.get(uri("same-label", "0x2001"))).toBe(new Wallet(id("same label 1")).address);
    expect(addresses.get(uri("same-label", "0x2002"))).toBe(new Wallet(id("same label 2")).address);
    expect(addresses.get(`${store.id};object=%FF%FE;id=%80`)).toBe(new Wallet(id("not text")).address);
    expect(addresses.size).toBe(oddLabels.length + 4);
    odd.closeAllSessions();
    // Each is found again, on a new session, by its own name.
    await stored[0]?.key.signDigest(new Uint8Array(32)).catch(() => undefined);
    for (const { key, address } of stored) {
      expect(verifyMessage("again", await new RemoteSigner(key).signMessage("again"))).toBe(address);
    }
  });

  test("that cannot be used are reported each by name, and end nothing", async () => {
    const store = open(odd);
    const { failed } = await collect(store.list());
    const reasons = new Map(failed.map(({ id: keyId, error }) => [keyId.slice(store.id.length), error]));
    expect(
      [...reasons]
        .map(([name, { code, message }]) => [name, code, /several|no public|may not|different/.exec(message)?.[0]])
        .sort(),
    ).toEqual([
      [";object=alike;id=%30", "KEY_UNUSABLE", "several"],
      [";object=lonely;id=%40", "KEY_UNUSABLE", "no public"],
      [";object=mute;id=%42", "KEY_UNUSABLE", "may not"],
      [";object=same-label;id=%41", "KEY_UNUSABLE", "no public"],
      [";object=torn-2;id=%72", "KEY_UNUSABLE", "no public"],
      [";object=torn;id=%71", "KEY_UNUSABLE", "different"],
    ]);
    for (const { id: keyId, error } of failed) expect(error).toMatchObject({ backend: "pkcs11", keyId });
  });

  test("the PIN shows in nothing that the store gives", async () => {
    const store = open(odd);
    const shown = [store, await collect(store.list()), await store.health()];
    const text = shown.map((value) => inspect(value, { depth: Infinity, showHidden: true }) + JSON.stringify(value));
    expect(text.join()).not.toContain(odd.pin);
  });
});
