import { inspect } from "node:util";
import type { JsonWebKey } from "@azure/keyvault-keys";
import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { PrivateKey } from "../../src/backend/private-key.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { PRIVATE_KEY, StaticCredential, TOKEN } from "./setup.ts";
import { failureOf, startEmptyServer, storeFor } from "./store-setup.ts";

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

describe("a store", () => {
  test.each(["succeeds", "fails"])("whose import %s overwrites the copy that the SDK was given", async (outcome) => {
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

  test("shows no client secret", () => {
    const secret = { tenantId: "t", clientId: "c", clientSecret: SECRET };
    expectNothingShown(storeFor(server, { ...secret, credential: undefined }));
  });

  test("keeps a key on its way in where no log shows it", () => {
    expectNothingShown(new PrivateKey(PRIVATE_KEY));
  });
});
