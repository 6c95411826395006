import { Agent } from "node:http";
import {
  AggregateAuthenticationError,
  AuthenticationError,
  AuthenticationRequiredError,
  CredentialUnavailableError,
} from "@azure/identity";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { KEY_NAME, StaticCredential, signerFor, startServer, TOKEN } from "./setup.ts";

const DIGEST = new Uint8Array(32).fill(3);
const OID = "8e837a71-ba6e-48ea-a204-8131bbf7b5d9";
const APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const CALLER = `appid=${APP};oid=${OID};iss=https://sts.windows.net/11111111-2222-4333-8444-555555555555/`;

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  readonly operation?: string;
  readonly info?: Record<string, unknown>;
  readonly cause: Error & { code?: unknown; statusCode?: unknown };
}

async function failureOf(action: () => Promise<unknown>): Promise<Failure> {
  try {
    await action();
  } catch (error) {
    return error as Failure;
  }
  throw new Error("should have failed");
}

/** The cause tells what the vendor said, and carries nothing else of it. */
function expectStripped({ cause }: Failure): void {
  expect(Object.prototype.toString.call(cause)).toBe("[object Error]");
  const names = Object.getOwnPropertyNames(cause).filter(
    (name) => !["stack", "message", "name", "code", "statusCode", "requestId"].includes(name),
  );
  expect(names).toEqual([]);
  expect(`${cause.message}${cause.stack}`).not.toContain(TOKEN);
}

function refused(status: number, code: string, innerCode?: string, message = "The service says no."): KeyVaultFault {
  return { kind: "error", status, code, innerCode, message };
}

type Row = [name: string, fault: KeyVaultFault, code: string, retryable: boolean, message: RegExp];

const ROWS: Row[] = [
  [
    "401",
    refused(401, "Unauthorized", undefined, "AKV10032: Invalid issuer."),
    "ACCESS_DENIED",
    false,
    /401 Unauthorized: .*tenant and cloud/,
  ],
  [
    "403 by role",
    refused(
      403,
      "Forbidden",
      "ForbiddenByRbac",
      `Caller is not authorized to perform action on resource.\r\nCaller: name=App;${CALLER}\r\nAction: 'Microsoft.KeyVault/vaults/keys/sign/action'`,
    ),
    "ACCESS_DENIED",
    false,
    new RegExp(`grant keys/sign to appid ${APP}, oid ${OID}: the role "Key Vault Crypto User".*keys/sign/action`),
  ],
  [
    "403 by access policy",
    refused(
      403,
      "Forbidden",
      "AccessDenied",
      `The user, group or application '${CALLER}' does not have keys sign permission on key vault 'v;location=westeurope'.`,
    ),
    "ACCESS_DENIED",
    false,
    new RegExp(`grant keys/sign to appid ${APP}, oid ${OID}.*the key permission "sign"`),
  ],
  [
    "403 by policy, caller unknown",
    refused(403, "Forbidden", "ForbiddenByPolicy"),
    "ACCESS_DENIED",
    false,
    /grant keys\/sign to the credential's identity/,
  ],
  [
    "403 of a Managed HSM",
    refused(
      403,
      "AccessDenied",
      undefined,
      "Not authorized to access Microsoft.KeyVault/managedHsm/keys/sign/action on /keys/k",
    ),
    "ACCESS_DENIED",
    false,
    /grant keys\/sign/,
  ],
  [
    "403 by firewall",
    refused(
      403,
      "Forbidden",
      "ForbiddenByFirewall",
      "Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.9\r\nCaller: appid=x",
    ),
    "ACCESS_DENIED",
    false,
    /refuse the address 203\.0\.113\.9; allow it in the vault's firewall/,
  ],
  [
    "403 without public access",
    refused(403, "Forbidden", "ForbiddenByConnection", "Public network access is disabled"),
    "ACCESS_DENIED",
    false,
    /private endpoint/,
  ],
  ["403 disabled", refused(403, "Forbidden", "KeyDisabled"), "KEY_UNUSABLE", false, /disabled; enable it/],
  [
    "403 disabled, by its message",
    refused(403, "Forbidden", undefined, "Operation sign is not allowed on a disabled key."),
    "KEY_UNUSABLE",
    false,
    /disabled; enable it/,
  ],
  ["403 expired", refused(403, "Forbidden", "KeyExpired"), "KEY_UNUSABLE", false, /nbf, exp/],
  ["403 not yet valid", refused(403, "Forbidden", "KeyNotYetValid"), "KEY_UNUSABLE", false, /nbf, exp/],
  [
    "403 expired, by its message",
    refused(403, "Forbidden", undefined, "Operation sign is not allowed on an expired key."),
    "KEY_UNUSABLE",
    false,
    /nbf, exp/,
  ],
  ["403 key operation", refused(403, "Forbidden", "KeyOperationForbidden"), "KEY_UNUSABLE", false, /key_ops/],
  ["404", refused(404, "KeyNotFound"), "KEY_NOT_FOUND", false, /correct keyName and keyVersion, or recover/],
  ["404 of the vault", refused(404, "VaultNotFound"), "KEY_NOT_FOUND", false, /correct vaultUrl/],
  ["409 deleted", refused(409, "Conflict", "ObjectIsDeletedButRecoverable"), "KEY_NOT_FOUND", false, /recover it/],
  ["409 being deleted", refused(409, "Conflict", "ObjectIsBeingDeleted"), "KEY_NOT_FOUND", false, /recover it/],
  [
    "409 being recovered",
    refused(409, "Conflict", "ObjectIsBeingRecovered"),
    "KEY_NOT_FOUND",
    true,
    /try again in a minute/,
  ],
  ["409", refused(409, "Conflict"), "BACKEND_UNAVAILABLE", true, /another operation/],
  [
    "400",
    refused(400, "BadParameter", undefined, "Key and signing algorithm are incompatible."),
    "KEY_UNUSABLE",
    false,
    /P-256K keys need ES256K, old SECP256K1 keys ECDSA256/,
  ],
  ["408", refused(408, "RequestTimeout"), "BACKEND_UNAVAILABLE", true, /after the SDK's retries/],
  [
    "500",
    refused(500, "InternalServerError"),
    "BACKEND_UNAVAILABLE",
    true,
    /500 InternalServerError: .*after the SDK's retries/,
  ],
  [
    "502 without a body",
    { kind: "reply", reply: { status: 502, headers: { "x-ms-request-id": "r-1" } } },
    "BACKEND_UNAVAILABLE",
    true,
    /502/,
  ],
  [
    "503 as a page",
    {
      kind: "reply",
      reply: { status: 503, headers: { "content-type": "text/html", "x-ms-request-id": "r-1" }, body: "<html>" },
    },
    "BACKEND_UNAVAILABLE",
    true,
    /503/,
  ],
  ["504", refused(504, "GatewayTimeout"), "BACKEND_UNAVAILABLE", true, /504/],
  [
    "a status of no Key Vault",
    { kind: "reply", reply: { status: 418, headers: { "x-ms-request-id": "r-1" }, body: "{}" } },
    "BACKEND_RESPONSE_INVALID",
    false,
    /did not come from Key Vault/,
  ],
];

describe("what the service refuses", () => {
  test.each(ROWS)("%s", async (_name, fault, code, retryable, message) => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add(fault, { operation: "sign" });
    const failure = await failureOf(() => signer.signDigest(DIGEST));
    expect(failure).toMatchObject({
      code,
      retryable,
      operation: "signDigest",
      keyId: `${server.url}/keys/${KEY_NAME}`,
      backend: "azure-key-vault",
      requestId: expect.stringMatching(/^\S+$/),
      info: { statusCode: expect.any(Number) },
    });
    expect(failure.message).toMatch(message);
    expectStripped(failure);
    server.faults.clear();
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test.each<[string, KeyVaultFault, string, RegExp]>([
    ["400", refused(400, "BadParameter"), "KEY_NOT_FOUND", /key name or version/],
    [
      "403 by role",
      refused(403, "Forbidden", "ForbiddenByRbac", `Caller: ${CALLER}`),
      "ACCESS_DENIED",
      /grant keys\/get to .*Microsoft\.KeyVault\/vaults\/keys\/read;/,
    ],
    ["404", refused(404, "KeyNotFound"), "KEY_NOT_FOUND", /getKey failed with 404 KeyNotFound/],
    ["500", refused(500, "InternalServerError"), "BACKEND_UNAVAILABLE", /getKey failed/],
  ])("%s on getting the key", async (_name, fault, code, message) => {
    server.faults.add(fault, { operation: "getKey" });
    const signer = signerFor(server);
    const failure = await failureOf(() => signer.getAddress());
    expect(failure).toMatchObject({ code, operation: "getPublicKey", message: expect.stringMatching(message) });
    expectStripped(failure);
    await signer.close();
  });

  test("a key that is not there, deleted, disabled, or not allowed to sign any more", async () => {
    const absent = signerFor(server, { keyName: "absent" });
    expect(await failureOf(() => absent.getAddress())).toMatchObject({ code: "KEY_NOT_FOUND" });
    const signer = signerFor(server);
    await signer.getAddress();
    const [version] = server.vault.versions(KEY_NAME);
    if (!version) throw new Error("no version");
    version.keyOps = ["verify"];
    expect(await failureOf(() => signer.signDigest(DIGEST))).toMatchObject({ code: "KEY_UNUSABLE" });
    version.enabled = false;
    expect(await failureOf(() => signer.signDigest(DIGEST))).toMatchObject({ code: "KEY_UNUSABLE" });
    expect(await failureOf(() => signer.verifyKey())).toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringContaining("getKey"),
    });
    server.vault.delete(KEY_NAME);
    expect(await failureOf(() => signer.signDigest(DIGEST))).toMatchObject({ code: "KEY_NOT_FOUND" });
    await Promise.all([absent.close(), signer.close()]);
  });

  test("a throttled call says for how long, where the service does", async () => {
    const signer = signerFor(server, { retryOptions: { maxRetries: 0 } });
    await signer.getAddress();
    server.faults.add({ kind: "throttle", retryAfter: 7 }, { operation: "sign" });
    const failure = await failureOf(() => signer.signDigest(DIGEST));
    expect(failure).toMatchObject({
      code: "THROTTLED",
      retryable: true,
      message: expect.stringContaining("429 Throttled VaultRequestTypeLimitReached"),
      info: {
        statusCode: 429,
        errorCode: "Throttled",
        innerErrorCode: "VaultRequestTypeLimitReached",
        retryAfter: "7",
      },
    });
    expect(server.count("sign")).toBe(1);
    expectStripped(failure);
    await signer.close();
  });
});

const WITHOUT_RETRIES: AzureKeyVaultSignerOptions = { retryOptions: { maxRetries: 0 } };

describe("what never reaches the service", () => {
  test("a port without a listener", async () => {
    const closed = await KeyVaultServer.start();
    await closed.close();
    const failure = await failureOf(() => signerFor(closed, WITHOUT_RETRIES).getAddress());
    expect(failure).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
      message: expect.stringContaining("ECONNREFUSED"),
    });
    expect(failure.cause).toMatchObject({ name: "ECONNREFUSED", code: "ECONNREFUSED" });
    expectStripped(failure);
  });

  test("a connection that is reset", async () => {
    server.faults.add("reset");
    const failure = await failureOf(() => signerFor(server, WITHOUT_RETRIES).getAddress());
    expect(failure).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
    expectStripped(failure);
  });

  test("a host without an address", async () => {
    const error = Object.assign(new Error("getaddrinfo ENOTFOUND treasury.invalid"), { code: "ENOTFOUND" });
    const agent = new Agent({ lookup: (_host, _options, callback) => callback(error, "", 0) });
    const signer = signerFor(server, { ...WITHOUT_RETRIES, vaultUrl: "http://treasury.invalid", agent });
    const failure = await failureOf(() => signer.getAddress());
    expect(failure).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
      message: expect.stringContaining("DNS"),
    });
  });

  test("a certificate that is not trusted; with its issuer as `ca` it is trusted", async () => {
    const tls = selfSignedCertificate();
    const secure = await KeyVaultServer.start({ tls });
    secure.tokens.add(TOKEN);
    secure.vault.put(KEY_NAME);
    const refusing = signerFor(secure, WITHOUT_RETRIES);
    const failure = await failureOf(() => refusing.getAddress());
    expect(failure).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: false,
      message: expect.stringContaining("not by a trusted issuer"),
    });
    expectStripped(failure);
    const trusting = signerFor(secure, { tlsOptions: { ca: tls.cert } });
    await trusting.signDigest(DIGEST);
    await Promise.all([refusing.close(), trusting.close()]);
    expect(secure.count("sign")).toBe(1);
    await secure.close();
  });

  test("a host that asks for the token of another resource gets none", async () => {
    const credential = new StaticCredential();
    const signer = signerFor(server, { credential, disableChallengeResourceVerification: false });
    const failure = await failureOf(() => signer.getAddress());
    expect(failure).toMatchObject({ code: "ACCESS_DENIED", message: expect.stringContaining("no token was sent") });
    expect(credential.scopes).toEqual([]);
    expect(server.count()).toBe(1);
    await signer.close();
  });

  test("a policy of the caller's that throws", async () => {
    const policy = { name: "broken", sendRequest: () => Promise.reject(new RangeError("a bug")) };
    const signer = signerFor(server, { additionalPolicies: [{ policy, position: "perCall" }] });
    const failure = await failureOf(() => signer.getAddress());
    expect(failure).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: false,
      cause: { name: "RangeError", message: "a bug" },
    });
    await signer.close();
  });
});

const oauthError = (error_description: string) => ({
  error: "invalid_client",
  error_description,
  correlation_id: "c-1",
});

describe("what the credential throws", () => {
  test.each<[string, unknown, string, boolean, RegExp]>([
    [
      "no credential is configured",
      new CredentialUnavailableError("EnvironmentCredential is unavailable."),
      "ACCESS_DENIED",
      false,
      /az login/,
    ],
    [
      "none of a chain",
      new AggregateAuthenticationError([new CredentialUnavailableError("none")], "ChainedTokenCredential failed."),
      "ACCESS_DENIED",
      false,
      /AZURE_\*/,
    ],
    [
      "a person must sign in",
      new AuthenticationRequiredError({ scopes: [], message: "interaction" }),
      "ACCESS_DENIED",
      false,
      /check the tenant/,
    ],
    [
      "a wrong secret",
      new AuthenticationError(401, oauthError("AADSTS7000215: Invalid client secret provided.")),
      "ACCESS_DENIED",
      false,
      /the secret's value, not its ID/,
    ],
    [
      "an expired secret",
      new AuthenticationError(401, oauthError("AADSTS7000222: expired")),
      "ACCESS_DENIED",
      false,
      /expired: create a new one/,
    ],
    [
      "an unknown application",
      new AuthenticationError(400, oauthError("AADSTS700016: not found")),
      "ACCESS_DENIED",
      false,
      /correct clientId/,
    ],
    [
      "an unknown tenant",
      new AuthenticationError(400, oauthError("AADSTS90002: not found")),
      "ACCESS_DENIED",
      false,
      /correct tenantId/,
    ],
    [
      "a wrong certificate",
      new AuthenticationError(401, oauthError("AADSTS700027: signature")),
      "ACCESS_DENIED",
      false,
      /certificate/,
    ],
    ["throttling", new AuthenticationError(429, oauthError("slow down")), "THROTTLED", true, /fewer requests/],
    ["an outage", new AuthenticationError(503, oauthError("down")), "BACKEND_UNAVAILABLE", true, /cannot be reached/],
    [
      "no network",
      new Error("endpoints_resolution_error: Endpoints cannot be resolved"),
      "BACKEND_UNAVAILABLE",
      true,
      /cannot be reached/,
    ],
    [
      "an error of its own",
      new TypeError("secrets.json is missing"),
      "ACCESS_DENIED",
      false,
      /getToken failed with TypeError/,
    ],
    ["no error at all", "text", "ACCESS_DENIED", false, /getToken failed with Error/],
  ])("%s", async (_name, thrown, code, retryable, message) => {
    const signer = signerFor(server, { credential: { getToken: () => Promise.reject(thrown) } });
    const failure = await failureOf(() => signer.getAddress());
    expect(failure).toMatchObject({ code, retryable, operation: "getToken", message: expect.stringMatching(message) });
    if (thrown instanceof AuthenticationError) expect(failure.requestId).toBe("c-1");
    expectStripped(failure);
    expect(server.count("getKey")).toBe(0);
    await signer.close();
  });
});
