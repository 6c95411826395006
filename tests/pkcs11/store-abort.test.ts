import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import pkcs11js from "pkcs11js";
import { Pkcs11KeyStore } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { intercept, restore } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";

const KEYS = 20;
const token = createToken("store-abort");
const { libraryPath, label: tokenLabel, pin } = token;

beforeAll(() => {
  for (let index = 0; index < KEYS; index += 1) {
    token.importKey(id(`${index}`), { label: `key-${index}`, id: `0x01${index.toString().padStart(2, "0")}` });
  }
});

afterEach(restore);

// What the pages of C_FindObjects gave is read object by object, which takes minutes where a token holds thousands.
describe("an abort while a listing reads", () => {
  test.each([
    ["the private keys", pkcs11js.CKO_PRIVATE_KEY],
    ["the public objects", pkcs11js.CKO_PUBLIC_KEY],
  ])("%s ends the reading too, and the next listing is complete", async (_name, objectClass) => {
    const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    let searched: unknown;
    let reads = 0;
    intercept("C_FindObjectsInit", (call, args) => {
      const template = args[1] as { readonly type: number; readonly value: unknown }[];
      searched = template.find(({ type }) => type === pkcs11js.CKA_CLASS)?.value;
      return call(...args);
    });
    intercept("C_GetAttributeValue", (call, args) => {
      if (searched === objectClass) {
        controller.abort(reason);
        reads += 1;
      }
      return call(...args);
    });
    await expect(collect(store.list({ signal: controller.signal }))).rejects.toBe(reason);
    restore();
    expect((await collect(store.list())).stored).toHaveLength(KEYS);
    await store.close();
    expect(reads).toBe(1);
  });
});
