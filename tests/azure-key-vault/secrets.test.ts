import { inspect } from "node:util";
import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  AzureKeyVaultKey,
  AzureKeyVaultSigner,
  type AzureKeyVaultSignerOptions,
} from "../../src/azure-key-vault/index.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { hangFor } from "../support/stopped-time.ts";
import { KEY_NAME, optionsFor, StaticCredential, signerFor, startServer, TOKEN } from "./setup.ts";

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
  test("show the backend, the key's URL and the address, before, during and after a call", async () => {
    const signer = signerFor(server);
    expectNothingShown(signer);
    const signing = signer.signMessage("x");
    expectNothingShown(signer);
    await signing;
    expectNothingShown(signer);
    expectNothingShown(signer.connect(null));
    const address = await signer.getAddress();
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "azure-key-vault", keyId: signer.keyId, address });
    expect(inspect(signer)).toContain("AzureKeyVaultSigner");
    await signer.close();
  });

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
  test.each<[string, KeyVaultFault]>([
    ["a refusal", { kind: "error", status: 403, code: "Forbidden", message: "no" }],
    [
      "a refusal that repeats the token",
      { kind: "error", status: 403, code: "Forbidden", message: `no: Bearer ${TOKEN}, ${JWT}` },
    ],
    ["an outage", { kind: "error", status: 500, code: "InternalServerError", message: "down" }],
    ["throttling", { kind: "throttle", retryAfter: 0 }],
    ["a reset", "reset"],
    ["a hang", "hang"],
    [
      "no JSON",
      { kind: "reply", reply: { status: 200, headers: { "content-type": "application/json" }, body: `{${JWT}` } },
    ],
    ["an empty body", { kind: "reply", reply: { status: 500 } }],
    ["a wrong kid", { kind: "sign", kid: "https://x.vault.azure.net/keys/other/1" }],
    ["a malformed signature", { kind: "value", value: "AQ" }],
  ])("of %s show no token", async (_name, fault) => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add(fault, { operation: "sign" });
    const sign = () => signer.signMessage("x").catch((error: unknown) => error);
    const failure: unknown = await (fault === "hang" ? hangFor(60_000, () => server.count("sign") > 0, sign) : sign());
    expect(failure).toMatchObject({ name: "SignerError" });
    expectNothingShown(failure);
    await signer.close();
  });

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
