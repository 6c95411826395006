import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Compute, GoogleAuth, OAuth2Client } from "google-auth-library";
import { GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { LoopbackServer, type Outcome } from "../servers/support/loopback-server.ts";
import { quickly, stopTime } from "../support/stopped-time.ts";
import { KEY, signerFor, startServer, TRANSPORTS, tokenAuth, VERSION, wayTo } from "./setup.ts";

const DIGEST = new Uint8Array(32).fill(3);
const RIGHT = "cloudkms.cryptoKeyVersions.useToSign";

stopTime();

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startServer({ grpc: true });
});
beforeEach(() => server.faults.clear());
afterAll(async () => {
  await server.close();
});

type Row = readonly [fault: GcpKmsFault, code: string, retryable: boolean, message: RegExp];
const failed = (
  status: Extract<GcpKmsFault, { kind: "error" }>["status"],
  reason?: string,
  message?: string,
): GcpKmsFault => {
  const info = reason === undefined ? {} : { info: { reason, metadata: { service: "cloudkms.googleapis.com" } } };
  return { kind: "error", status, ...info, ...(message === undefined ? {} : { message }) };
};

const denied = `Permission '${RIGHT}' denied on resource '${VERSION}' (or it may not exist).`;

const ROWS: readonly Row[] = [
  [failed("INVALID_ARGUMENT"), "REQUEST_REJECTED", false, /INVALID_ARGUMENT: .*check names/],
  [failed("NOT_FOUND"), "KEY_NOT_FOUND", false, /check project, location/],
  [
    failed("PERMISSION_DENIED", undefined, denied),
    "ACCESS_DENIED",
    false,
    new RegExp(`grant the caller ${RIGHT} on ${KEY} .*known to be right`),
  ],
  [failed("PERMISSION_DENIED", "IAM_PERMISSION_DENIED", denied), "ACCESS_DENIED", false, /grant the caller/],
  [failed("PERMISSION_DENIED"), "ACCESS_DENIED", false, new RegExp(`grant the caller ${RIGHT}`)],
  [failed("UNAUTHENTICATED"), "ACCESS_DENIED", false, /access token/],
  [failed("FAILED_PRECONDITION"), "KEY_UNUSABLE", false, /not ENABLED/],
  [failed("UNIMPLEMENTED"), "REQUEST_REJECTED", false, /check endpoint/],
];

/** Only of these is a permission missing. Over gRPC the stand-in does not send a reason. */
const REASONS: readonly Row[] = [
  [failed("PERMISSION_DENIED", "SERVICE_DISABLED"), "ACCESS_DENIED", false, /gcloud services enable/],
  [failed("PERMISSION_DENIED", "BILLING_DISABLED"), "ACCESS_DENIED", false, /billing account/],
  [failed("PERMISSION_DENIED", "SECURITY_POLICY_VIOLATED"), "ACCESS_DENIED", false, /VPC Service Controls/],
  [failed("PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "ACCESS_DENIED", false, /lacks the scope/],
  [failed("PERMISSION_DENIED", "SOMETHING_NEW"), "ACCESS_DENIED", false, /SOMETHING_NEW/],
  [failed("RESOURCE_EXHAUSTED", "RESOURCE_QUOTA_EXCEEDED"), "REQUEST_REJECTED", false, /waiting does not help/],
];

async function failureOf(action: Promise<unknown>) {
  return action.then(
    () => undefined,
    (error: unknown) => error as { message: string; info: Record<string, unknown>; toJSON(): unknown },
  );
}

describe.each(TRANSPORTS)("Cloud KMS by %s", (transport) => {
  test.each(ROWS.map((row) => [JSON.stringify(row[0]), row] as const))(
    "%s",
    async (_name, [fault, code, retryable, message]) => {
      server.faults.add(fault, { operation: "asymmetricSign" });
      const failure = await failureOf(signerFor(server, wayTo(server, transport)).signDigest(DIGEST));
      const vendor = { source: "Cloud KMS", errorCode: (fault as { status: string }).status };
      expect(failure).toMatchObject({ code, retryable, operation: "signDigest", keyId: VERSION, info: vendor });
      expect(failure?.message).toMatch(message);
      expect(JSON.parse(JSON.stringify(failure))).toMatchObject({ info: vendor });
    },
  );

  test.each<[GcpKmsFault, string]>([
    [{ kind: "throttle" }, "THROTTLED"],
    [failed("UNAVAILABLE"), "BACKEND_UNAVAILABLE"],
    [failed("INTERNAL"), "BACKEND_UNAVAILABLE"],
    [failed("DEADLINE_EXCEEDED"), "BACKEND_TIMEOUT"],
    ["reset", "BACKEND_UNAVAILABLE"],
  ])("%j is retried; if it lasts it is %s", async (fault, code) => {
    const signer = signerFor(server, wayTo(server, transport));
    await signer.getAddress();
    server.faults.add(fault, { operation: "asymmetricSign", times: 2 });
    await quickly(signer.signDigest(DIGEST));
    server.faults.add(fault, { operation: "asymmetricSign" });
    const before = server.count("asymmetricSign");
    expect(await quickly(failureOf(signer.signDigest(DIGEST)))).toMatchObject({ code, retryable: true });
    expect(server.count("asymmetricSign")).toBe(before + 6);
  });
});

test.each(REASONS.map((row) => [JSON.stringify(row[0]), row] as const))(
  "%s names no permission",
  async (_name, row) => {
    const [fault, code, retryable, message] = row;
    server.faults.add(fault, { operation: "asymmetricSign" });
    const failure = await failureOf(signerFor(server).signDigest(DIGEST));
    expect(failure).toMatchObject({ code, retryable });
    expect(failure?.message).toMatch(message);
    expect(failure?.message).not.toMatch(/grant/);
  },
);

describe("something that answers in the place of Cloud KMS", () => {
  const reply = (status: number, body?: string, headers = {}) =>
    ({ kind: "reply", reply: { status, headers, body } }) as const;
  test.each<[string, GcpKmsFault, string, boolean]>([
    ["nginx's 404", reply(404, "<html>404 Not Found nginx</html>"), "BACKEND_RESPONSE_INVALID", false],
    ["a filter's 403", reply(403, '{"message":"Forbidden"}'), "BACKEND_RESPONSE_INVALID", false],
    ["a portal's page", reply(200, "<html>log in</html>"), "BACKEND_RESPONSE_INVALID", false],
    ["a redirect", reply(302, "", { location: "https://example.com/" }), "BACKEND_RESPONSE_INVALID", false],
    ["a balancer's 502", reply(502, "<html>bad gateway</html>"), "BACKEND_UNAVAILABLE", true],
    ["a 429 without a body", reply(429), "THROTTLED", true],
  ])("%s is %s", async (_name, fault, code, retryable) => {
    server.faults.add(fault, { operation: "getPublicKey" });
    const failure = await quickly(failureOf(signerFor(server).getAddress()));
    expect(failure).toMatchObject({ code, retryable, info: { source: "what answers in the place of Cloud KMS" } });
    expect(failure?.message).not.toMatch(/grant/);
  });
});

test("Retry-After is waited for; beyond the deadline it is THROTTLED at once", async () => {
  server.faults.add({ kind: "throttle", retryAfter: 2 }, { operation: "asymmetricSign", times: 1 });
  await quickly(signerFor(server).signDigest(DIGEST));
  server.faults.add({ kind: "throttle", retryAfter: 60 }, { operation: "asymmetricSign" });
  const failure = await failureOf(signerFor(server).signDigest(DIGEST));
  expect(failure).toMatchObject({ code: "THROTTLED", retryable: true, info: { retryAfter: 60, statusCode: 429 } });
});

describe("sources of credentials", () => {
  let standIn: LoopbackServer;
  let outcome: Outcome = "reset";
  let failing = "";
  beforeAll(async () => {
    standIn = await LoopbackServer.start(async ({ url }) => {
      if (url.pathname.includes(failing)) return outcome;
      const token = { access_token: "federated", expires_in: 3600, token_type: "Bearer", issued_token_type: "x" };
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(token) };
    });
    process.env["GCE_METADATA_HOST"] = new URL(standIn.url).host;
  });
  afterAll(async () => {
    delete process.env["GCE_METADATA_HOST"];
    await standIn.close();
  });

  const federation = (impersonated: boolean) => {
    return new GoogleAuth({
      scopes: ["https://www.googleapis.com/auth/cloud-platform"],
      credentials: {
        type: "external_account",
        audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        token_url: `${standIn.url}/v1/token`,
        credential_source: {
          url: `${standIn.url}/subject`,
          format: { type: "json", subject_token_field_name: "access_token" },
        },
        ...(impersonated
          ? {
              service_account_impersonation_url: `${standIn.url}/v1/projects/-/serviceAccounts/s@p.iam.gserviceaccount.com:generateAccessToken`,
            }
          : {}),
      },
    });
  };
  const login = () => {
    const auth = new OAuth2Client({
      clientId: "c",
      clientSecret: "s",
      endpoints: { oauth2TokenUrl: `${standIn.url}/token` },
    });
    auth.setCredentials({ refresh_token: "1//a-refresh-token-that-no-log-may-show" });
    return auth;
  };

  const SOURCES = [
    ["the metadata server", "/computeMetadata", () => new Compute()],
    ["the Security Token Service (workload identity federation)", "/v1/token", () => federation(false)],
    ["the IAM Credentials API (impersonation)", ":generateAccessToken", () => federation(true)],
    ["Google's token endpoint", "/token", login],
  ] as const;
  const json = (status: number, body: unknown): Outcome => {
    return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  };

  describe.each(SOURCES)("%s", (source, path, create) => {
    test.each<[string, Outcome, string, boolean]>([
      [
        "refuses",
        json(403, { error: { code: 403, message: "no", status: "PERMISSION_DENIED" } }),
        "ACCESS_DENIED",
        false,
      ],
      [
        "answers 400",
        json(400, { error: "invalid_grant", error_description: "expired or revoked" }),
        "ACCESS_DENIED",
        false,
      ],
      [
        "throttles",
        json(429, { error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED" } }),
        "THROTTLED",
        true,
      ],
      [
        "is down",
        json(500, { error: { code: 500, message: "down", status: "INTERNAL" } }),
        "BACKEND_UNAVAILABLE",
        true,
      ],
    ])("%s", async (_name, what, code, retryable) => {
      [failing, outcome] = [path, what];
      const signer = new GcpKmsSigner({ keyVersion: VERSION, auth: create(), endpoint: server.url });
      const failure = await quickly(failureOf(signer.getAddress()));
      expect(failure).toMatchObject({ code, retryable, info: { source } });
      expect(failure?.message).toMatch(source);
      expect(failure?.message).not.toMatch(/cloudkms\./);
    });
  });

  test("no credentials at all", async () => {
    const auth = { getRequestHeaders: async () => ({}) };
    const failure = await failureOf(new GcpKmsSigner({ keyVersion: VERSION, auth, endpoint: server.url }).getAddress());
    expect(failure).toMatchObject({
      code: "ACCESS_DENIED",
      retryable: false,
      message: expect.stringMatching(/no Google credentials found/),
    });
  });

  test("a token with a line break", async () => {
    const auth = tokenAuth("ya29.token\n");
    const failure = await failureOf(new GcpKmsSigner({ keyVersion: VERSION, auth, endpoint: server.url }).getAddress());
    expect(failure).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
  });

  test("a file with credentials that is missing", async () => {
    const auth = new GoogleAuth({ keyFilename: "/nowhere/key.json" });
    const failure = await failureOf(new GcpKmsSigner({ keyVersion: VERSION, auth, endpoint: server.url }).getAddress());
    expect(failure).toMatchObject({
      code: "ACCESS_DENIED",
      retryable: false,
      message: expect.stringMatching(/cannot be read/),
    });
  });
});
