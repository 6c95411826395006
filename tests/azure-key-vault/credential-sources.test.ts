import { join } from "node:path";
import { ClientAssertionCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from "@azure/identity";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { isSignerError, type SignerErrorCode } from "../../src/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { type HttpReply, LoopbackServer } from "../servers/support/loopback-server.ts";
import { Entra, principal, SECRET } from "./entra.ts";
import { KEY_NAME, optionsFor, startServer } from "./setup.ts";

const VAULT = "https://treasury.vault.azure.net";
const CORRELATION = "0a1b2c3d-1111-4222-8333-444455556666";
const ENTRA = "Microsoft Entra ID";
const MANAGED = "the managed identity endpoint";

let server: KeyVaultServer;
let identity: LoopbackServer;
let reply: HttpReply;
const environment = { ...process.env };

beforeAll(async () => {
  [server, identity] = await Promise.all([startServer(), LoopbackServer.start(async () => reply)]);
});

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
});

afterAll(() => Promise.all([server.close(), identity.close()]));

const aadsts = (code: number, text: string) => ({
  error: "invalid_client",
  error_description: `AADSTS${code}: ${text} Trace ID: ${CORRELATION} Correlation ID: ${CORRELATION} Timestamp: 2026-01-01`,
  error_codes: [code],
  correlation_id: CORRELATION,
});

interface Expected {
  readonly code: SignerErrorCode;
  readonly source: string;
  readonly retryable?: boolean;
  readonly says: RegExp;
  readonly errorCode?: string;
}

async function expectFailure(options: AzureKeyVaultSignerOptions, expected: Expected): Promise<void> {
  const { code, source, retryable = false, says, errorCode } = expected;
  const before = server.count("getKey");
  const error = await AzureKeyVaultSigner.create(options).catch((thrown: unknown) => thrown);
  if (!isSignerError(error)) throw error;
  expect({ code: error.code, message: error.message }).toMatchObject({ code, message: expect.stringMatching(says) });
  expect(error).toMatchObject({ retryable, backend: "azure-key-vault", operation: "getToken", info: { source } });
  // The vault was not asked: no permission of its helps.
  expect(error.message).not.toMatch(/keys\/|grant |Crypto/);
  expect(server.count("getKey")).toBe(before);
  const json = JSON.stringify(error);
  if (errorCode !== undefined) {
    expect(error.message).toContain(errorCode);
    expect(JSON.parse(json)).toMatchObject({ requestId: CORRELATION, info: { errorCode } });
    expect(error.info?.["errorText"]).toMatch(new RegExp(`^${errorCode}: [^.]+\\.?$`));
  }
  expect(json).not.toContain(SECRET);
  expect(json).not.toContain("planted");
}

describe("Entra ID, asked by a service principal", () => {
  const entra = () => new Entra({ [VAULT]: server.url });
  const options = (httpClient: Entra) => ({
    ...{ vaultUrl: VAULT, keyName: KEY_NAME, ...principal, httpClient },
    retryOptions: { maxRetries: 0 },
  });

  test.each<[code: number, text: string, expected: SignerErrorCode, retryable: boolean, says: RegExp]>([
    [7000215, "Invalid client secret provided.", "ACCESS_DENIED", false, /the secret's value, not its ID/],
    [7000222, "The provided client secret keys are expired.", "ACCESS_DENIED", false, /has expired/],
    [700016, "Application was not found in the directory.", "ACCESS_DENIED", false, /correct clientId or tenantId/],
    [90002, "Tenant not found.", "ACCESS_DENIED", false, /no such tenant/],
    [70021, "No matching federated identity record found.", "ACCESS_DENIED", false, /no federated credential matches/],
    [700211, "No matching record found for presented assertion issuer.", "ACCESS_DENIED", false, /the token's issuer/],
    [700212, "No matching record found for presented assertion audience.", "ACCESS_DENIED", false, /token's audience/],
    [
      700213,
      "No matching record found for presented assertion subject.",
      "ACCESS_DENIED",
      false,
      /the token's subject/,
    ],
    [700024, "Client assertion is not within its valid time range.", "ACCESS_DENIED", false, /time range/],
    [700021, "Client assertion application identifier does not match.", "ACCESS_DENIED", false, /another application/],
    // Begins like another code, of which the hint would be wrong.
    [7000218, "The request body must contain client_assertion.", "ACCESS_DENIED", false, /check the tenant/],
    [90033, "A transient error has occurred.", "BACKEND_UNAVAILABLE", true, /try again/],
    [50196, "The server terminated an operation.", "THROTTLED", true, /fewer requests/],
  ])("AADSTS%d", async (code, text, expected, retryable, says) => {
    const httpClient = entra();
    httpClient.tokenReply = { status: code === 90033 ? 503 : 400, body: aadsts(code, text) };
    const errorCode = `AADSTS${code}`;
    await expectFailure(options(httpClient), { code: expected, source: ENTRA, retryable, says, errorCode });
  });

  test("is out of reach", async () => {
    const httpClient = entra();
    httpClient.failure = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:443"), {
      ...{ name: "RestError", code: "ECONNREFUSED" },
    });
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, says: /cannot be reached/ } as const;
    await expectFailure(options(httpClient), { ...expected, source: ENTRA });
  });
});

describe("workload identity", () => {
  test("without its token file", async () => {
    const tokenFilePath = join("/nonexistent", "token");
    const credential = new WorkloadIdentityCredential({
      ...{ tenantId: principal.tenantId, clientId: principal.clientId, tokenFilePath },
    });
    const expected = { code: "ACCESS_DENIED", source: "the credential", says: /AZURE_FEDERATED_TOKEN_FILE/ } as const;
    await expectFailure(optionsFor(server, { credential }), expected);
  });

  test("whose assertion Entra ID does not know", async () => {
    const httpClient = new Entra({});
    httpClient.tokenReply = { status: 400, body: aadsts(700213, "No matching federated identity record found.") };
    const credential = new ClientAssertionCredential(principal.tenantId, principal.clientId, async () => "planted", {
      httpClient,
    });
    const expected = { code: "ACCESS_DENIED", source: ENTRA, errorCode: "AADSTS700213" } as const;
    await expectFailure(optionsFor(server, { credential }), { ...expected, says: /federated credential/ });
  });
});

describe("a managed identity", () => {
  const json = (status: number, body: object): HttpReply => ({
    ...{ status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  });

  test.each<[name: string, reply: HttpReply, expected: Omit<Expected, "source">]>([
    [
      "of which there are several",
      json(400, {
        error: "invalid_request",
        error_description:
          "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity",
      }),
      { code: "ACCESS_DENIED", says: /pass the clientId of one/ },
    ],
    [
      "that is not assigned",
      json(400, { error: "invalid_request", error_description: "Identity not found" }),
      { code: "ACCESS_DENIED", says: /assign it/ },
    ],
    [
      "whose endpoint throttles",
      json(429, { error: "throttled" }),
      { code: "THROTTLED", retryable: true, says: /fewer/ },
    ],
    ["whose endpoint is down", { status: 503 }, { code: "BACKEND_UNAVAILABLE", retryable: true, says: /try again/ }],
  ])("%s", async (_name, answer, expected) => {
    reply = answer;
    Object.assign(process.env, { IDENTITY_ENDPOINT: `${identity.url}/msi/token`, IDENTITY_HEADER: "planted" });
    const credential = new ManagedIdentityCredential({ retryOptions: { maxRetries: 0 } });
    await expectFailure(optionsFor(server, { credential }), { ...expected, source: MANAGED });
  });

  test("whose endpoint is out of reach", async () => {
    Object.assign(process.env, { IDENTITY_ENDPOINT: "http://127.0.0.1:9/msi/token", IDENTITY_HEADER: "planted" });
    const credential = new ManagedIdentityCredential({ retryOptions: { maxRetries: 0 } });
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, says: /cannot be reached|try again/ } as const;
    await expectFailure(optionsFor(server, { credential }), { ...expected, source: MANAGED });
  });
});

describe("a credential of the caller's", () => {
  const CREDENTIAL = "the credential";

  test.each<[name: string, token: unknown, says: RegExp]>([
    ["null", null, /returned no token/],
    ["an empty token", { token: "", expiresOnTimestamp: Date.now() + 60_000 }, /returned no token/],
    ["a token with a line break", { token: "planted\n", expiresOnTimestamp: Date.now() + 60_000 }, /line break/],
  ])("that returns %s", async (_name, token, says) => {
    const credential = { getToken: async () => token as null };
    await expectFailure(optionsFor(server, { credential }), { code: "ACCESS_DENIED", source: CREDENTIAL, says });
  });

  test("of another tenant than the vault's", async () => {
    const text =
      "The current credential is not configured to acquire tokens for tenant 22222222-aaaa. To enable acquiring tokens for " +
      "this tenant add it to the AdditionallyAllowedTenants on the credential options";
    const thrown = Object.assign(new Error(text), { name: "CredentialUnavailableError" });
    const credential = { getToken: () => Promise.reject(thrown) };
    const expected = {
      code: "ACCESS_DENIED",
      says: /of the tenant 22222222-aaaa.*additionallyAllowedTenants/,
    } as const;
    await expectFailure(optionsFor(server, { credential }), { ...expected, source: CREDENTIAL });
  });
});
