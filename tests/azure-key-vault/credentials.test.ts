import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Wallet } from "ethers";
import { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { Entra, principal, SECRET } from "./entra.ts";
import { KEY_NAME, PRIVATE_KEY, startServer } from "./setup.ts";

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

describe("tenantId, clientId and clientSecret", () => {
  test.each([
    ["https://treasury.vault.azure.net", "https://vault.azure.net", "https://login.microsoftonline.com"],
    ["https://safe.managedhsm.azure.net", "https://managedhsm.azure.net", "https://login.microsoftonline.com"],
    // MSAL's own alias of login.chinacloudapi.cn.
    ["https://treasury.vault.azure.cn", "https://vault.azure.cn", "https://login.partner.microsoftonline.cn"],
    ["https://treasury.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net", "https://login.microsoftonline.us"],
  ])("sign by %s with one token for %s from %s", async (vaultUrl, resource, authority) => {
    server.resource = resource;
    const httpClient = new Entra({ [vaultUrl]: server.url });
    const signer = new AzureKeyVaultSigner({ vaultUrl, keyName: KEY_NAME, ...principal, httpClient });
    expect(await signer.getAddress()).toBe(new Wallet(PRIVATE_KEY).address);
    await signer.signMessage("hello");
    const tokens = httpClient.requests.filter(({ url }) => url.pathname.endsWith("/token"));
    expect(tokens.map(({ url }) => url.origin)).toEqual([authority]);
    const form = new URLSearchParams(tokens[0]?.body);
    expect(form.get("client_id")).toBe(principal.clientId);
    expect(form.get("client_secret")).toBe(SECRET);
    expect(form.get("scope")).toContain(`${resource}/.default`);
    await signer.close();
  });

  test("vaultName is the short form of the public cloud's URL", async () => {
    const httpClient = new Entra({ "https://treasury.vault.azure.net": server.url });
    const signer = await AzureKeyVaultSigner.create({
      vaultName: "treasury",
      keyName: KEY_NAME,
      ...principal,
      httpClient,
    });
    expect(signer.keyId).toBe("https://treasury.vault.azure.net/keys/hot-wallet");
    await signer.close();
  });

  test("a refused secret is ACCESS_DENIED with Entra's correlation id, and is shown nowhere", async () => {
    const vaultUrl = "https://treasury.vault.azure.net";
    const httpClient = new Entra({ [vaultUrl]: server.url });
    httpClient.tokenReply = {
      status: 401,
      body: {
        error: "invalid_client",
        error_description: "AADSTS7000215: Invalid client secret provided.",
        error_codes: [7000215],
        correlation_id: "c-1",
      },
    };
    const options = { vaultUrl, keyName: KEY_NAME, ...principal, httpClient };
    const failure = await AzureKeyVaultSigner.create(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ACCESS_DENIED", retryable: false, operation: "getToken" });
    expect((failure as Error).message).toContain("pass the secret's value, not its ID");
    expect(inspect(failure, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    expect(server.count("getKey")).toBe(0);
  });
});
