import { inspect } from "node:util";
import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  AzureKeyVaultKey,
  AzureKeyVaultSigner,
  type AzureKeyVaultSignerOptions,
} from "../../src/azure-key-vault/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { KEY_NAME, optionsFor, StaticCredential, startServer, TOKEN } from "./setup.ts";

const SECRET = "a-client-secret-that-must-not-show";
const PASSWORD = "a-proxy-password-that-must-not-show";
// The shape of a real token, in case a message of the service's repeats it.
const JWT = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJub2JvZHkifQ.c2lnbmF0dXJl";
const PLANTED = [TOKEN, SECRET, PASSWORD, JWT, "authorization", "Bearer "];

/** Everything that a log could make of it. */
function shownForms(value: unknown): string {
  const deep = inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: null });
  const { stack = "", cause } = value as { stack?: string; cause?: { stack?: string } };
  return [deep, inspect(value), JSON.stringify(value), String(value), stack, String(cause), cause?.stack].join("\n");
}

function expectNothingShown(value: unknown): void {
  const shown = shownForms(value);
  for (const secret of PLANTED) expect(shown).not.toContain(secret);
}

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

describe("signers and keys", () => {
  test.each<[string, (url: string) => AzureKeyVaultSignerOptions]>([
    ["a client secret", (vaultUrl) => ({ vaultUrl, tenantId: "t", clientId: "c", clientSecret: SECRET })],
    [
      "a proxy's password",
      (vaultUrl) => ({
        vaultUrl,
        credential: new StaticCredential(),
        proxyOptions: { host: "http://127.0.0.1", port: 9, username: "u", password: PASSWORD },
      }),
    ],
    [
      "a client",
      (vaultUrl) => ({ client: new KeyClient(vaultUrl, new StaticCredential(), { allowInsecureConnection: true }) }),
    ],
  ])("do not show %s", (_name, options) => {
    const all = { ...options(server.url), keyName: KEY_NAME };
    const usable = all.client ? all : { ...all, allowInsecureConnection: true };
    expectNothingShown(new AzureKeyVaultSigner(usable));
    expectNothingShown(new AzureKeyVaultKey(usable));
  });
});

describe("errors", () => {
  test("of a credential show nothing that it carries", async () => {
    const error = Object.assign(new Error("no token"), {
      request: { headers: { authorization: `Bearer ${TOKEN}` } },
      clientSecret: SECRET,
    });
    const key = new AzureKeyVaultKey(optionsFor(server, { credential: { getToken: () => Promise.reject(error) } }));
    const failure: unknown = await key.getPublicKey().catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: "ACCESS_DENIED" });
    expectNothingShown(failure);
    await key.close();
  });

  test("of a client of the caller's own are stripped as well", async () => {
    server.tokens.clear();
    const client = new KeyClient(server.url, new StaticCredential(), {
      allowInsecureConnection: true,
      disableChallengeResourceVerification: true,
    });
    const signer = new AzureKeyVaultSigner({ client, keyName: KEY_NAME });
    const failure: unknown = await signer.getAddress().catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: "ACCESS_DENIED" });
    expectNothingShown(failure);
  });
});
