import { inspect } from "node:util";
import type { KeyClientOptions } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Wallet } from "ethers";
import { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { KEY_NAME, PRIVATE_KEY, startServer, TOKEN } from "./setup.ts";

type HttpClient = NonNullable<KeyClientOptions["httpClient"]>;
type Request = Parameters<HttpClient["sendRequest"]>[0];

const TENANT = "11111111-2222-4333-8444-555555555555";
const SECRET = "a-client-secret-nobody-may-see";
const principal = { tenantId: TENANT, clientId: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", clientSecret: SECRET };

/** Sends what is for `vault` there, and answers as Entra ID to everything else, so that nothing leaves this machine. */
class Entra implements HttpClient {
  readonly requests: { url: URL; body: string }[] = [];
  tokenReply: { status: number; body: object } = {
    status: 200,
    body: { token_type: "Bearer", expires_in: 3_600, ext_expires_in: 3_600, access_token: TOKEN },
  };
  readonly #vaults: ReadonlyMap<string, string>;

  /** @param vaults the origin of a vault, and where it really is. */
  constructor(vaults: Readonly<Record<string, string>>) {
    this.#vaults = new Map(Object.entries(vaults));
  }

  async sendRequest(request: Request) {
    const url = new URL(request.url);
    const vault = this.#vaults.get(url.origin);
    if (vault !== undefined) return this.#forward(request, new URL(url.pathname + url.search, vault));
    this.requests.push({ url, body: String(request.body ?? "") });
    const { status, body } = url.pathname.endsWith("/token") ? this.tokenReply : { status: 200, body: metadata(url) };
    return reply(request, status, { "content-type": "application/json" }, JSON.stringify(body));
  }

  async #forward(request: Request, url: URL) {
    const { method, headers, body } = request;
    const init = body === undefined || body === null ? {} : { body: String(body) };
    const response = await fetch(url, { method, headers: headers.toJSON(), ...init });
    return reply(request, response.status, Object.fromEntries(response.headers), await response.text());
  }
}

function reply(request: Request, status: number, headers: Record<string, string>, bodyAsText: string) {
  const Headers = request.headers.constructor as new (raw: Record<string, string>) => Request["headers"];
  return { request, status, headers: new Headers(headers), bodyAsText };
}

/** OpenID Connect's discovery document of the tenant. */
function metadata({ origin }: URL) {
  return {
    issuer: `${origin}/${TENANT}/v2.0`,
    authorization_endpoint: `${origin}/${TENANT}/oauth2/v2.0/authorize`,
    token_endpoint: `${origin}/${TENANT}/oauth2/v2.0/token`,
    jwks_uri: `${origin}/${TENANT}/discovery/v2.0/keys`,
  };
}

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
