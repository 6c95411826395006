import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { Pkcs11KeyStore } from "../../src/pkcs11/index.ts";
import { letHostsReadTypeScript } from "../support/hosts.ts";
import { collect } from "../support/listing.ts";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const shim = new Shim(softHsmPath());
const opened: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;
let count = 0;

letHostsReadTypeScript();

beforeEach(() => {
  count += 1;
  token = SoftHsmToken.create(shim.libraryPath, `habits-${process.pid}-${count}`);
});

afterEach(async () => {
  shim.clear();
  shim.adopt();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(() => shim.remove());

function openStore(options: { isolation?: "process" } = {}): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, sessions: 4, ...options });
  opened.push(store);
  return store;
}

describe.each([{}, { isolation: "process" as const }])(
  "searches spoil what is made beside them, with %p",
  (options) => {
    test("many keys are made and imported at once, beside listings", async () => {
      shim.adopt("searchesSpoil");
      shim.set("C_GenerateKeyPair", { delayMs: 5 });
      const store = openStore(options);
      const many = Array.from({ length: 8 }, (_, index) => index);
      const outcomes = await Promise.all([
        ...many.map((index) => store.create({ label: `made-${index}` })),
        ...many.map((index) => store.importKey(id(`key ${index}`), { label: `imported-${index}` })),
        ...many.map(() => collect(store.list())),
      ]);
      const made = outcomes.flatMap((outcome) => ("address" in outcome ? [outcome.address] : []));
      const { stored, failed } = await collect(store.list());
      expect(failed).toEqual([]);
      expect(stored.map(({ address }) => address).toSorted()).toEqual(made.toSorted());
      expect(shim.stats().functions.C_GenerateKeyPair.mostInside).toBeGreaterThan(1);
    });
  },
);
