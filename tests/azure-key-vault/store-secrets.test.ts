import { inspect } from "node:util";
import type { JsonWebKey } from "@azure/keyvault-keys";
import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { PrivateKey } from "../../src/backend/private-key.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { hangFor } from "../support/stopped-time.ts";
import { PRIVATE_KEY, StaticCredential, TOKEN } from "./setup.ts";
import { failureOf, listingOf, startEmptyServer, storeFor } from "./store-setup.ts";

const HEX = PRIVATE_KEY.slice(2);
const BYTES = Buffer.from(HEX, "hex");
const SECRET = "a-client-secret-that-must-not-show";
const FORMS = [
  HEX,
  HEX.toUpperCase(),
  BYTES.toString("base64"),
  BYTES.toString("base64url"),
  BigInt(PRIVATE_KEY).toString(),
];
const PLANTED = [...FORMS, [...BYTES].join(", "), inspect(BYTES).slice(8, 40), TOKEN, SECRET, "Bearer "];

/** Everything that a log could make of it. */
function expectNothingShown(value: unknown): void {
  const deep = inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: null });
  const { stack = "", cause } = value as { stack?: string; cause?: { stack?: string } };
  const shown = [deep, inspect(value), JSON.stringify(value), String(value), stack, String(cause), cause?.stack].join(
    "\n",
  );
  for (const secret of PLANTED) expect(shown).not.toContain(secret);
}

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("a store and what it gives", () => {
  test("show no credential, before, during and after a call", async () => {
    server.vault.put("hot-wallet", { privateKey: PRIVATE_KEY });
    const store = storeFor(server);
    const secret = { tenantId: "t", clientId: "c", clientSecret: SECRET };
    expectNothingShown(storeFor(server, { ...secret, credential: undefined }));
    expectNothingShown(store);
    const listing = listingOf(store);
    expectNothingShown(store);
    expectNothingShown((await listing).stored);
    expectNothingShown(store);
    await store.close();
  });
});

describe("an import", () => {
  const echo = `The key ${HEX} ${FORMS.join(" ")} was not taken`;
  test.each<[string, string, KeyVaultFault]>([
    ["refused", "importKey", { kind: "error", status: 403, code: "Forbidden", message: echo }],
    ["not taken", "importKey", { kind: "error", status: 400, code: "BadParameter", message: echo }],
    ["throttled", "importKey", { kind: "throttle", retryAfter: 0 }],
    ["broken off", "importKey", "reset"],
    ["never answered", "importKey", "hang"],
    [
      "answered with what was sent",
      "importKey",
      { kind: "reply", reply: { status: 200, headers: { "content-type": "application/json" }, body: `{${echo}` } },
    ],
    ["not proven", "sign", { kind: "error", status: 403, code: "Forbidden", message: "no" }],
  ])("that is %s shows no private key", async (_name, operation, fault) => {
    const store = storeFor(server);
    server.faults.add(fault, { operation });
    const importKey = () => failureOf(store.importKey(BYTES, { name: "hot-wallet" }));
    const isHanging = () => server.count("importKey") > 0;
    const failure = await (fault === "hang" ? hangFor(60_000, isHanging, importKey) : importKey());
    expect(failure).toMatchObject({ name: "SignerError", operation: "importKey" });
    expectNothingShown(failure);
    expectNothingShown(store);
    await store.close();
  });

  test.each<[string, string | Uint8Array]>([
    ["one digit short", PRIVATE_KEY.slice(0, -1)],
    ["one digit long", `${PRIVATE_KEY}0`],
    ["one byte long", Buffer.concat([BYTES, Buffer.of(0)])],
  ])("of a key that is %s shows nothing of it", async (_name, privateKey) => {
    const store = storeFor(server);
    const failure = await failureOf(store.importKey(privateKey, { name: "hot-wallet" }));
    expectNothingShown(failure);
    expect(inspect(failure)).not.toContain(HEX.slice(0, 16));
    await store.close();
  });

  test.each(["succeeds", "fails"])("that %s overwrites the copy that the SDK was given", async (outcome) => {
    const given: JsonWebKey[] = [];
    class Watching extends KeyClient {
      override importKey(...parameters: Parameters<KeyClient["importKey"]>) {
        const [, key] = parameters;
        given.push(key);
        expect(Buffer.from(key.d ?? [])).toEqual(BYTES);
        return super.importKey(...parameters);
      }
    }
    const options = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
    const client = new Watching(server.url, new StaticCredential(), options);
    const store = new AzureKeyVaultKeyStore({ client });
    if (outcome === "fails") server.faults.add({ kind: "reply", reply: { status: 400 } }, { operation: "importKey" });
    await failureOf(store.importKey(PRIVATE_KEY, { name: "hot-wallet" }));
    expect(given).toHaveLength(1);
    expect([...(given[0]?.d ?? [1])]).toEqual(new Array(32).fill(0));
  });

  test("keeps the key where no log shows it", () => {
    expectNothingShown(new PrivateKey(PRIVATE_KEY));
  });
});
