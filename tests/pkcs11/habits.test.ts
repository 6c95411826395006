import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { type RemoteKey, RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const WAYS = [
  ["in this process", {}],
  ["isolated", { isolation: "process" as const }],
] as const;

const shim = new Shim(softHsmPath());
const opened: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;
let count = 0;

beforeEach(() => {
  count += 1;
  token = SoftHsmToken.create(shim.libraryPath, `habits-${process.pid}-${count}`);
});

afterEach(async () => {
  shim.clear();
  await Promise.all(opened.splice(0).map((each) => each.close()));
  shim.adopt();
});

afterAll(() => shim.remove());

function openStore(options: { isolation?: "process" } = {}): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, sessions: 4, ...options });
  opened.push(store);
  return store;
}

function openSigner(options: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", sessions: 4, ...options });
  opened.push(signer);
  return signer;
}

/** Who signed each of so many digests, all asked for at once. */
async function signAll(signer: Pkcs11Signer, count: number): Promise<Set<string>> {
  const signers = Array.from({ length: count }, async (_, index) => {
    const digest = id(`digest ${index}`);
    const signature = await signer.signDigest(digest);
    return recoverAddress(digest, signature);
  });
  return new Set(await Promise.all(signers));
}

describe("object handles are given out again", () => {
  const replace = (key: string) => {
    token.deleteKeys("hot");
    token.importKey(id(key), { label: "hot", id: "0x01" });
  };

  beforeEach(() => {
    shim.adopt("reusedObjects");
    token.importKey(id("first"), { label: "hot", id: "0x01" });
  });

  test("the key's handle is another key's by now: it is looked up again, and signs", async () => {
    const signer = openSigner();
    await signAll(signer, 5);
    token.deleteKeys("hot");
    token.importKey(id("another key"), { label: "other", id: "0x02" });
    token.importKey(id("first"), { label: "hot", id: "0x01" });
    await expect(signer.health()).resolves.toMatchObject({ ready: true });
    await expect(signAll(signer, 20)).resolves.toEqual(new Set([new Wallet(id("first")).address]));
  });

  test("the key was replaced under its name: KEY_CHANGED, and health says so", async () => {
    const signer = openSigner();
    await signAll(signer, 5);
    replace("second");
    const changed = { code: "KEY_CHANGED", info: { current: { address: new Wallet(id("second")).address } } };
    await expect(signer.signDigest(id("digest"))).rejects.toMatchObject(changed);
    await expect(signer.health()).resolves.toMatchObject({ ready: false, error: changed });
    replace("first");
    await expect(signAll(signer, 5)).resolves.toEqual(new Set([new Wallet(id("first")).address]));
  });

  test("a listing gives the address of the key that is there, and a key that an earlier one gave is KEY_CHANGED", async () => {
    const store = openStore();
    const [listed] = (await collect(store.list())).stored;
    replace("second");
    const { stored, failed } = await collect(store.list());
    expect([stored.map(({ address }) => address), failed]).toEqual([[new Wallet(id("second")).address], []]);
    const stale = new RemoteSigner(listed?.key as RemoteKey);
    await expect(stale.signMessage("hello")).rejects.toMatchObject({ code: "KEY_CHANGED" });
    token.deleteKeys("hot");
    await expect(collect(store.list())).resolves.toEqual({ stored: [], failed: [] });
    await expect(stale.signMessage("hello")).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
  });
});

describe.each(WAYS)("searches spoil what is made at the same time (%s)", (_way, options) => {
  test("many keys are made and imported at once, beside listings", async () => {
    shim.adopt("searchesSpoil");
    shim.set("C_GenerateKeyPair", { delayMs: 5 });
    const store = openStore(options);
    const many = Array.from({ length: 8 }, (_, index) => index);
    const outcomes = await Promise.all([
      ...many.map((index) => store.createKey({ name: `made-${index}` })),
      ...many.map((index) => store.importKey(id(`key ${index}`), { name: `imported-${index}` })),
      ...many.map(() => collect(store.list())),
    ]);
    const made = outcomes.flatMap((outcome) => ("address" in outcome ? [outcome.address] : []));
    const { stored, failed } = await collect(store.list());
    expect(failed).toEqual([]);
    expect(stored.map(({ address }) => address).toSorted()).toEqual(made.toSorted());
    expect(shim.stats().functions.C_GenerateKeyPair.mostInside).toBeGreaterThan(1);
  });
});

describe.each(WAYS)("the token has a PIN pad (%s)", (_way, options) => {
  test("it is logged in to without a PIN, and signs", async () => {
    token.importKey(id("hot"), { label: "hot" });
    shim.adopt("pinPad");
    await expect(signAll(openSigner({ ...options, pin: undefined }), 3)).resolves.toEqual(
      new Set([new Wallet(id("hot")).address]),
    );
  });
});

describe.each(WAYS)("reading attributes fails now and then (%s)", (_way, options) => {
  test("the library is not started again: the token answers in another session", async () => {
    for (const label of ["hot", "cold"]) token.importKey(id(label), { label, id: Buffer.from(label) });
    const store = openStore(options);
    await collect(store.list());
    const starts = shim.stats().functions.C_Initialize.calls;
    shim.set("C_GetAttributeValue", { returnValue: 0x30, permille: 400 });
    const listings = await Promise.allSettled([1, 2, 3].map(() => collect(store.list())));
    const { C_Initialize, C_GetAttributeValue } = shim.stats().functions;
    expect(C_GetAttributeValue.hits).toBeGreaterThan(3);
    expect(C_Initialize.calls).toBe(starts);
    for (const listing of listings) {
      if (listing.status === "rejected") expect(listing.reason).toMatchObject({ info: { returnValue: 0x30 } });
    }
  });
});

describe("of two writers the slower one is answered CKR_DEVICE_MEMORY", () => {
  test("keys that are made and imported at once are all there", async () => {
    shim.adopt("slowerWriterFails");
    shim.set("C_GenerateKeyPair", { delayMs: 5 });
    const store = openStore();
    const many = Array.from({ length: 6 }, (_, index) => index);
    const made = await Promise.all([
      ...many.map((index) => store.createKey({ name: `made-${index}` })),
      ...many.map((index) => store.importKey(id(`key ${index}`), { name: `imported-${index}` })),
    ]);
    const { stored, failed } = await collect(store.list());
    expect(failed).toEqual([]);
    expect(stored.map(({ address }) => address).toSorted()).toEqual(made.map(({ address }) => address).toSorted());
  });

  test("without another writer here, the token is out of memory: one more attempt, and nothing is left", async () => {
    shim.set("C_GenerateKeyPair", { returnValue: 0x31 });
    const store = openStore();
    const before = shim.stats().functions.C_GenerateKeyPair.calls;
    await expect(store.createKey({ name: "made" })).rejects.toMatchObject({
      info: { returnValue: 0x31 },
      retryable: true,
    });
    expect(shim.stats().functions.C_GenerateKeyPair.calls).toBe(before + 2);
    await expect(collect(store.list())).resolves.toEqual({ stored: [], failed: [] });
  });
});

describe("a search finds ten objects at most", () => {
  const names = Array.from({ length: 15 }, (_, index) => `key-${index}`);

  test("any key is found by its name, and a store lists those that it has made or listed", async () => {
    const store = openStore();
    const made = await Promise.all(names.map((label) => store.createKey({ name: label })));
    shim.adopt("tenPerSearch");
    const { stored, failed } = await collect(store.list());
    expect(failed).toEqual([]);
    expect(stored.map(({ address }) => address).toSorted()).toEqual(made.map(({ address }) => address).toSorted());
    token.deleteKeys("key-14");
    expect((await collect(store.list())).stored.map(({ name }) => name).toSorted()).toEqual(
      names.slice(0, -1).toSorted(),
    );
    const signers = names.slice(0, -1).map((keyLabel) => openSigner({ keyLabel }));
    const addresses = await Promise.all(signers.map((signer) => signer.getAddress()));
    expect(addresses).toEqual(made.slice(0, -1).map(({ address }) => address));
  });

  test("the public half of each listed key is found, also if the search for all public keys does not show it", async () => {
    for (const [index, label] of names.entries()) {
      token.importKey(id(`without ${label}`), {
        label: `a-${label}`,
        id: Uint8Array.of(1, index),
        publicObject: false,
      });
    }
    shim.adopt("tenPerSearch");
    const { stored } = await collect(openStore().list());
    for (const { address, name } of stored) expect(address).toBe(new Wallet(id(`without ${name?.slice(2)}`)).address);
  });
});

test("the token makes public keys itself and takes none: an import succeeds with that one, and without one fails", async () => {
  const store = openStore();
  shim.adopt("virtualPublicKeys");
  const imported = await store.importKey(id("hot"), { name: "hot" });
  expect(imported.address).toBe(new Wallet(id("hot")).address);
  shim.adopt();
  const bareObject = { returnValue: 0xd1, skip: 1, count: 1 };
  shim.set("C_CreateObject", bareObject);
  await expect(store.importKey(id("cold"), { name: "cold" })).rejects.toMatchObject({ info: { returnValue: 0xd1 } });
  await expect(collect(store.list())).resolves.toMatchObject({ stored: [{ name: "hot" }], failed: [] });
});

test.each([
  ["CKR_DOMAIN_PARAMS_INVALID", 0x130, "KEY_UNUSABLE"],
  ["CKR_CURVE_NOT_SUPPORTED", 0x140, "KEY_UNUSABLE"],
  ["CKR_GENERAL_ERROR", 0x05, "BACKEND_UNAVAILABLE"],
])("the token lacks secp256k1 and answers %s: the error names the curve", async (_name, returnValue, code) => {
  const store = openStore();
  for (const name of ["C_GenerateKeyPair", "C_CreateObject"] as const) shim.set(name, { returnValue });
  const lacking = { code, message: expect.stringContaining("secp256k1"), info: { returnValue } };
  await expect(store.createKey({ name: "made" })).rejects.toMatchObject(lacking);
  await expect(store.importKey(id("key"), { name: "imported" })).rejects.toMatchObject(lacking);
});

test("the token logs in slowly: however many calls wait for it, there is one login", async () => {
  token.importKey(id("hot"), { label: "hot" });
  shim.adopt("slowLogin");
  const before = shim.stats().functions.C_Login.calls;
  await expect(signAll(openSigner(), 10)).resolves.toEqual(new Set([new Wallet(id("hot")).address]));
  expect(shim.stats().functions.C_Login.calls).toBe(before + 1);
});

test("a pool is as large as its users ask for, also after one has left", async () => {
  token.importKey(id("hot"), { label: "hot" });
  const [large, small] = [openSigner({ sessions: 6, maxQueue: 500 }), openSigner({ sessions: 1, maxQueue: 2 })];
  shim.set("C_Sign", { delayMs: 5 });
  await small.getAddress();
  await signAll(large, 30);
  await expect(small.health()).resolves.toMatchObject({ sessions: { idle: 6 } });
  await large.close();
  await expect(small.health()).resolves.toMatchObject({ sessions: { idle: 1 } });
  const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => small.signDigest(id("digest"))));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
});

test("the library needs parameters to start: without them the error names the option, with it a key signs", async () => {
  token.importKey(id("hot"), { label: "hot" });
  shim.adopt("needsParameters");
  const isolated = { isolation: "process" } as const;
  await expect(openSigner(isolated).getAddress()).rejects.toMatchObject({
    message: expect.stringContaining("pass the option libraryParameters"),
    info: { returnValue: 7 },
  });
  const signer = openSigner({ ...isolated, libraryParameters: "configDir='/etc/nss'" });
  await expect(signAll(signer, 3)).resolves.toEqual(new Set([new Wallet(id("hot")).address]));
});
