import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManagedIdentityCredential } from "@azure/identity";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Compute } from "google-auth-library";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import { isSignerError, type RemoteSigner, type SignerErrorCode } from "../../src/index.ts";
import { startKms } from "../aws-kms/support.ts";
import { Entra, principal } from "../azure-key-vault/entra.ts";
import { KEY_NAME, optionsFor, startServer as startVault } from "../azure-key-vault/setup.ts";
import { startServer as startGcpKms, VERSION } from "../gcp-kms/setup.ts";
import { LoopbackServer, type Outcome } from "../servers/support/loopback-server.ts";
import { quickly, stopTime } from "../support/stopped-time.ts";

stopTime();

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-sources-"));
const environment = { ...process.env };
let outcome: Outcome;
let standIn: LoopbackServer;
let kms: Awaited<ReturnType<typeof startKms>>;
let vault: Awaited<ReturnType<typeof startVault>>;
let google: Awaited<ReturnType<typeof startGcpKms>>;

beforeAll(async () => {
  [standIn, kms, vault, google] = await Promise.all([
    LoopbackServer.start(async () => outcome),
    startKms(),
    startVault(),
    startGcpKms(),
  ]);
  writeFileSync(join(folder, "token"), "planted.identity.token");
});

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all([standIn.close(), kms.server.close(), vault.close(), google.close()]);
});

const json = (status: number, body: object): Outcome => {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
};
const xml = (status: number, code: string): Outcome => ({
  ...{ status, headers: { "content-type": "text/xml" } },
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
});
const OUTCOMES = {
  refuses: json(403, { error: "access_denied", error_description: "no", message: "no" }),
  throttles: json(429, { error: "throttled", message: "slow down" }),
  "is down": { status: 503 },
  "answers garbage": { status: 200, headers: { "content-type": "text/html" }, body: "<html>Sign in" },
  hangs: "hang",
  "resets connections": "reset",
} satisfies Record<string, Outcome>;
type Behaviour = keyof typeof OUTCOMES;

const DENIED = ["ACCESS_DENIED", false] as const;
const FOREIGN = ["BACKEND_RESPONSE_INVALID", false] as const;
const DOWN = ["BACKEND_UNAVAILABLE", true] as const;
const SLOW = ["BACKEND_TIMEOUT", true] as const;
const BUSY = ["THROTTLED", true] as const;
type Verdict = readonly [code: SignerErrorCode, retryable: boolean];

interface Source {
  readonly name: string;
  readonly open: (timeout: number) => RemoteSigner;
  readonly verdicts: Readonly<Record<Behaviour, Verdict>>;
  /** What it answers in its own words. */
  readonly outcomes?: Partial<Record<Behaviour, Outcome>>;
  /** Who is named if nothing came. */
  readonly silent?: string;
}

const usual = {
  ...{ refuses: DENIED, throttles: BUSY, "is down": DOWN, "answers garbage": FOREIGN, hangs: SLOW },
  "resets connections": DOWN,
};

const SOURCES: readonly Source[] = [
  {
    name: "the container credentials agent",
    open: (timeout) => aws(timeout, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${standIn.url}/credentials` }),
    // The SDK does not say why the agent gave none; the hint names the three reasons.
    verdicts: { ...usual, refuses: DOWN, throttles: DOWN },
  },
  {
    name: "the EC2 instance metadata service",
    open: (timeout) =>
      aws(timeout, { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: standIn.url }),
    // It is asked last, on every machine: the SDK does not tell one that is down from none.
    verdicts: { ...usual, throttles: DENIED, "is down": DENIED, "resets connections": DENIED },
  },
  {
    name: "AWS STS",
    open: (timeout) =>
      aws(timeout, {
        AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
        ...{ AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/eth-signer", AWS_ENDPOINT_URL_STS: standIn.url },
      }),
    outcomes: { refuses: xml(403, "AccessDenied"), throttles: xml(400, "Throttling") },
    verdicts: usual,
  },
  {
    name: "Microsoft Entra ID",
    open: servicePrincipal,
    // Its library says that the network failed.
    verdicts: { ...usual, "answers garbage": DOWN },
  },
  {
    name: "the managed identity endpoint",
    open: managedIdentity,
    // The SDK says that the network failed.
    verdicts: { ...usual, "answers garbage": DOWN },
    silent: "the credential",
  },
  {
    name: "the metadata server",
    open: metadataServer,
    verdicts: usual,
    silent: "the source of Google's credentials",
  },
];

function aws(timeout: number, env: Record<string, string>): RemoteSigner {
  Object.assign(process.env, { HOME: folder, ...env });
  return new KmsSigner({ keyId: kms.key.keyId, region: kms.server.region, endpoint: kms.server.url, timeout });
}

function servicePrincipal(timeout: number): RemoteSigner {
  const httpClient = new Entra({
    "https://vault.example": vault.url,
    "https://login.microsoftonline.com": standIn.url,
  });
  const others = { httpClient, retryOptions: { maxRetries: 0 }, disableChallengeResourceVerification: true, timeout };
  return new AzureKeyVaultSigner({ vaultUrl: "https://vault.example", keyName: KEY_NAME, ...principal, ...others });
}

function managedIdentity(timeout: number): RemoteSigner {
  Object.assign(process.env, { IDENTITY_ENDPOINT: `${standIn.url}/msi/token`, IDENTITY_HEADER: "planted" });
  return new AzureKeyVaultSigner(optionsFor(vault, { credential: new ManagedIdentityCredential(), timeout }));
}

function metadataServer(timeout: number): RemoteSigner {
  process.env["GCE_METADATA_HOST"] = new URL(standIn.url).host;
  return new GcpKmsSigner({ keyVersion: VERSION, auth: new Compute(), endpoint: google.url, timeout });
}

describe.each(SOURCES)("$name", ({ name, open, verdicts, outcomes, silent = name }) => {
  test.each(Object.keys(OUTCOMES) as Behaviour[])("%s", async (behaviour) => {
    outcome = outcomes?.[behaviour] ?? OUTCOMES[behaviour];
    const signer = open(behaviour === "hangs" ? 3_000 : 30_000);
    const error = await quickly(signer.getAddress().catch((thrown: unknown) => thrown));
    await signer.close();
    if (!isSignerError(error)) throw error;
    const [code, retryable] = verdicts[behaviour];
    const source = code === "BACKEND_TIMEOUT" ? silent : name;
    expect([error.code, error.retryable, error.info?.["source"]]).toEqual([code, retryable, source]);
    expect(error.message).toContain(source);
    // The service was not asked, and no permission of its would help.
    expect(error.message).not.toMatch(/kms:|keys\/|cloudkms\./);
    expect([kms.server.requests, google.log]).toEqual([[], []]);
    expect(vault.count("getKey")).toBe(0);
    expect(JSON.stringify(error)).not.toContain("planted");
  });
});
