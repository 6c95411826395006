import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { isSignerError, type SignerError, type SignerErrorCode } from "ethers-hsm";
import { KmsKeyStore } from "ethers-hsm/aws-kms";
import { LoopbackServer, type HttpReply as Reply } from "../servers/support/loopback-server.ts";
import { type Kms, rejectionOf, startKms } from "./support.ts";

const ROLE = "arn:aws:iam::111122223333:role/eth-signer";
// Nothing listens on the discard port of this machine.
const DOWN = "http://127.0.0.1:9";

let kms: Kms;
let source: LoopbackServer;
let folder: string;
let reply: () => Reply | Promise<Reply>;
const environment = { ...process.env };

beforeAll(async () => {
  [kms, source] = await Promise.all([startKms(), LoopbackServer.start(async () => reply())]);
  folder = mkdtempSync(join(tmpdir(), "ethers-hsm-credentials-"));
  writeFileSync(join(folder, "token"), "planted.identity.token");
  writeFileSync(
    join(folder, "config"),
    `[profile role]
role_arn = ${ROLE}
source_profile = dev
[profile dev]
aws_access_key_id = AKIADEVDEVDEVDEVDEVD
aws_secret_access_key = planted
[profile sso]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = dev
[profile broken]
credential_process = /bin/sh -c "echo planted-output >&2; exit 3" planted-argument
[profile garbage]
credential_process = /bin/echo hello
`,
  );
});

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});

afterAll(async () => {
  await Promise.all([kms.server.close(), source.close()]);
  rmSync(folder, { recursive: true });
});

const xml = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { "content-type": "text/xml" },
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});
const page = (status: number): Reply => ({ status, headers: { "content-type": "text/html" }, body: "<html>Sign in" });

const webIdentity = () => ({
  AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
  AWS_ROLE_ARN: ROLE,
  AWS_ENDPOINT_URL_STS: source.url,
});
const profile = (name: string) => () => ({ AWS_PROFILE: name, AWS_ENDPOINT_URL_STS: source.url });
const container = () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${source.url}/credentials` });
const metadata = () => ({
  AWS_EC2_METADATA_DISABLED: "false",
  AWS_EC2_METADATA_SERVICE_ENDPOINT: source.url,
});

const STS = "AWS STS";
const UNNAMED = "the source of the credentials";

interface Row {
  readonly name: string;
  readonly env: () => Record<string, string>;
  readonly answer?: Reply;
  readonly source: string;
  readonly code: SignerErrorCode;
  readonly retryable?: boolean;
  readonly says: RegExp;
  readonly errorCode?: string;
}

const denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
const role = `User: arn:aws:iam::111122223333:user/dev is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`;

const ROWS: readonly Row[] = [
  ...[
    [
      "denied",
      xml(403, "AccessDenied", denied),
      "ACCESS_DENIED",
      false,
      /trust policy of the role allow sts:AssumeRoleWithWebIdentity/,
      "AccessDenied",
    ],
    [
      "an invalid token",
      xml(400, "InvalidIdentityToken", "No OpenIDConnect provider"),
      "ACCESS_DENIED",
      false,
      /IAM OIDC identity provider/,
      "InvalidIdentityTokenException",
    ],
    [
      "an expired token",
      xml(400, "ExpiredTokenException", "Token expired"),
      "ACCESS_DENIED",
      false,
      /have expired/,
      "ExpiredTokenException",
    ],
    [
      "a rejected claim",
      xml(403, "IDPRejectedClaim", "no"),
      "ACCESS_DENIED",
      false,
      /rejected the token/,
      "IDPRejectedClaimException",
    ],
    [
      "the identity provider is away",
      xml(400, "IDPCommunicationError", "x"),
      "BACKEND_UNAVAILABLE",
      true,
      /could not reach the identity provider/,
      "IDPCommunicationErrorException",
    ],
    [
      "another Region",
      xml(403, "RegionDisabledException", "x"),
      "ACCESS_DENIED",
      false,
      /not active in this Region/,
      "RegionDisabledException",
    ],
    ["throttled", xml(400, "Throttling", "Rate exceeded"), "THROTTLED", true, /fewer requests/, "Throttling"],
    ["down", { status: 503 }, "BACKEND_UNAVAILABLE", true, /internal error/, undefined],
    ["a captive portal", page(200), "BACKEND_RESPONSE_INVALID", false, /not one of AWS STS/, undefined],
    ["a filter", page(403), "BACKEND_RESPONSE_INVALID", false, /not one of AWS STS/, undefined],
  ].map(([name, answer, code, retryable, says, errorCode]) => {
    return {
      name: `web identity, ${name}`,
      env: webIdentity,
      answer,
      source: STS,
      code,
      retryable,
      says,
      errorCode,
    } as Row;
  }),
  {
    ...{ name: "web identity, out of reach", env: () => ({ ...webIdentity(), AWS_ENDPOINT_URL_STS: DOWN }) },
    ...{ source: STS, code: "BACKEND_UNAVAILABLE", retryable: true, says: /AWS STS cannot be reached/ },
  },
  {
    ...{ name: "web identity, no token file", source: STS, code: "ACCESS_DENIED", says: /cannot be read.*ENOENT/ },
    env: () => ({ ...webIdentity(), AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "missing") }),
  },
  {
    ...{
      name: "a role by a profile, denied",
      env: profile("role"),
      answer: xml(403, "AccessDenied", role),
      source: STS,
    },
    ...{ code: "ACCESS_DENIED", errorCode: "AccessDenied" },
    says: new RegExp(`trust policy of ${ROLE} allow sts:AssumeRole for arn:aws:iam::111122223333:user/dev`),
  },
  {
    ...{ name: "a role by a profile, the source's key is unknown", env: profile("role"), source: STS },
    answer: xml(403, "InvalidClientTokenId", "The security token included in the request is invalid"),
    ...{ code: "ACCESS_DENIED", says: /access key of the source credentials/ },
  },
  {
    ...{ name: "SSO without a session", env: profile("sso"), source: "AWS IAM Identity Center (SSO)" },
    ...{ code: "ACCESS_DENIED", says: /aws sso login/ },
  },
  {
    ...{ name: "a credential process that fails", env: profile("broken"), source: "the credential process" },
    ...{ code: "ACCESS_DENIED", says: /by hand.*Command failed/ },
  },
  {
    ...{ name: "a credential process that prints something else", env: profile("garbage") },
    ...{ source: "the credential process", code: "ACCESS_DENIED", says: /returned invalid JSON/ },
  },
  {
    ...{ name: "a profile that does not exist", env: profile("absent"), source: UNNAMED },
    ...{ code: "ACCESS_DENIED", says: /no AWS credentials found.*\[absent\]/ },
  },
  {
    ...{ name: "the container's agent, garbage", env: container, answer: page(200), code: "BACKEND_RESPONSE_INVALID" },
    ...{ source: "the container credentials agent", says: /a captive portal/ },
  },
  {
    ...{ name: "the instance's metadata, no role", env: metadata, answer: { status: 404 }, code: "ACCESS_DENIED" },
    ...{ source: "the EC2 instance metadata service", says: /no AWS credentials found/ },
  },
  {
    ...{ name: "the instance's metadata, garbage", env: metadata, answer: page(200), code: "BACKEND_RESPONSE_INVALID" },
    ...{ source: "the EC2 instance metadata service", says: /a captive portal/ },
  },
  {
    ...{ name: "nothing at all", env: () => ({}), source: UNNAMED, code: "ACCESS_DENIED" },
    says: /no AWS credentials found/,
  },
];

async function failureWith(env: Record<string, string>): Promise<SignerError> {
  const files = { AWS_CONFIG_FILE: join(folder, "config"), AWS_SHARED_CREDENTIALS_FILE: join(folder, "none") };
  Object.assign(process.env, { HOME: folder, ...files, ...env });
  const store = new KmsKeyStore({ region: "eu-west-1", endpoint: kms.server.url });
  const error = await rejectionOf(store.list().next());
  await store.close();
  if (!isSignerError(error)) throw error;
  return error;
}

describe("a source of credentials that fails: who, what, and nothing about KMS, which was never asked", () => {
  test.each(ROWS)("$name", async ({ env, answer = { status: 500 }, retryable = false, code, says, ...row }) => {
    reply = () => answer;
    const error = await failureWith(env());
    expect(error).toMatchObject({ code, retryable, backend: "aws-kms", info: { source: row.source } });
    expect(error.message).toMatch(new RegExp(`^ListAliases failed at ${row.source.replace(/[()]/g, "\\$&")} with `));
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/kms:|grant /);
    const json = JSON.parse(JSON.stringify(error)) as { info: { errorCode: string; errorText: string } };
    if (row.errorCode !== undefined) expect(json.info.errorCode).toBe(row.errorCode);
    expect(json.info.errorText).not.toBe("");
    expect(JSON.stringify(error)).not.toContain("planted");
    expect(kms.server.requests).toEqual([]);
  });
});
