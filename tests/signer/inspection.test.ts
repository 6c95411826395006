import { format, inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { id, JsonRpcProvider, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";

const PRIVATE_KEY = id("inspection");
const { address } = new Wallet(PRIVATE_KEY);
const SECRET = "planted-4711";

/** A careless backend, with a credential in plain sight. */
class CarelessKey extends MemoryKey {
  readonly pin = SECRET;
  readonly options = { pin: SECRET, nested: { token: SECRET } };
}

class VendorSigner extends RemoteSigner {}

/** Every way in which a log gets at an object. */
const views: [string, (signer: RemoteSigner) => string][] = [
  ["inspect", (signer) => inspect(signer)],
  ["inspect, hidden and deep", (signer) => inspect(signer, { showHidden: true, depth: null, getters: true })],
  ["inspect inside something else", (signer) => inspect({ list: [signer] }, { depth: null })],
  [
    "inspect without the signer's say",
    (signer) => inspect(signer, { customInspect: false, showHidden: true, depth: null }),
  ],
  ["format", (signer) => format("%o %O %s %j", signer, signer, signer, signer)],
  ["JSON", (signer) => JSON.stringify({ signer })],
  ["a string", (signer) => `${signer}`],
  ["a spread copy", (signer) => inspect({ ...signer }, { depth: null, showHidden: true })],
  [
    "its properties",
    (signer) =>
      Reflect.ownKeys(signer)
        .map((key) => inspect(Reflect.get(signer, key)))
        .join(),
  ],
];

describe("inspection", () => {
  test.each(views)("%s shows no secret of the key, before and after use", async (_name, view) => {
    const signer = new RemoteSigner(new CarelessKey(PRIVATE_KEY));
    expect(view(signer)).not.toContain(SECRET);
    await signer.signMessage("x");
    for (const each of [signer, signer.connect(null)]) {
      expect(view(each)).not.toContain(SECRET);
      expect(view(each).toLowerCase()).not.toContain(PRIVATE_KEY.slice(2));
    }
  });

  test("the planted secret is there to be found", () => {
    expect(inspect(new CarelessKey(PRIVATE_KEY))).toContain(SECRET);
  });

  test("shows the class, the backend, the key and, once it is known, the address", async () => {
    const signer = new VendorSigner(new CarelessKey(PRIVATE_KEY, "key-7"));
    for (const part of ["VendorSigner", "memory", "key-7"]) expect(inspect(signer)).toContain(part);
    expect(inspect(signer)).not.toContain(address);
    await signer.getAddress();
    for (const part of ["VendorSigner", "memory", "key-7", address]) expect(inspect(signer)).toContain(part);
  });

  test("as JSON too", async () => {
    const signer = new RemoteSigner(new CarelessKey(PRIVATE_KEY, "key-7"));
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "memory", keyId: "key-7" });
    await signer.getAddress();
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "memory", keyId: "key-7", address });
    const copy = signer.connect(null);
    expect(JSON.parse(JSON.stringify(copy))).toEqual({ backend: "memory", keyId: "key-7", address });
  });

  test("does not show the provider, whose URL may hold a token", () => {
    const provider = new JsonRpcProvider(`http://127.0.0.1:9/v3/${SECRET}`);
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), provider);
    const shown = `${inspect(signer, { depth: null, showHidden: true })} ${JSON.stringify(signer)}`;
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain("provider");
    provider.destroy();
  });

  test("asks the backend nothing", () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    inspect(signer);
    JSON.stringify(signer);
    expect(key.publicKeyFetches).toBe(0);
  });

  test("still works once closed", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    await signer.getAddress();
    await signer.close();
    expect(inspect(signer)).toContain(address);
  });
});
