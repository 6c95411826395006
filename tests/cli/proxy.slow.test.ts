import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { issueCertificate, sequence, tlv } from "../support/certificate.ts";
import { ConnectProxy } from "../support/connect-proxy.ts";
import { CommandProcess } from "./support/command-process.ts";
import { startGoogleCloud } from "./support/google-cloud.ts";
import { startVault } from "./support/vault.ts";

const PRIVATE_KEY = id("a key that a proxy leads to");
const ADDRESS = computeAddress(PRIVATE_KEY);
const VERSION = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1";

interface Cloud {
  readonly uri: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-proxy-"));
const tls = certificateOfLocalhost();
const authority = join(folder, "authority.pem");
let proxy: ConnectProxy;

beforeAll(async () => {
  writeFileSync(authority, tls.cert);
  proxy = await ConnectProxy.start();
});

afterEach(() => {
  proxy.tunnels.length = 0;
  proxy.refuses = false;
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await proxy.close();
});

describe.each<[string, () => Promise<Cloud>]>([
  ["AWS KMS", startAws],
  ["Azure Key Vault", startAzure],
  ["Google Cloud KMS", startGoogle],
])("%s", (_name, start) => {
  let cloud: Cloud;
  let cli: CommandProcess;

  beforeAll(async () => {
    cloud = await start();
    // The source of credentials is on this machine, and not behind the proxy.
    const env = { NO_PROXY: "127.0.0.1", NODE_EXTRA_CA_CERTS: authority, ETHERS_HSM_KEY: cloud.uri, ...cloud.env };
    cli = new CommandProcess(env);
  });

  afterAll(() => cloud.close());

  test("--proxy, or HTTPS_PROXY, carries what goes to the service", async () => {
    const { host } = new URL(cloud.url);
    const read = await cli.run(["address", "--proxy", proxy.url]);
    expect([read.stdout, read.stderr]).toEqual([`${ADDRESS}\n`, ""]);
    expect(proxy.tunnels).toContain(host);
    proxy.tunnels.length = 0;
    const signed = await cli.run(["sign-message", "hello"], { env: { HTTPS_PROXY: proxy.url } });
    expect([signed.code, signed.stderr]).toEqual([0, ""]);
    expect(proxy.tunnels).toContain(host);
  });

  test("NO_PROXY goes straight", async () => {
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: "example.com,localhost,127.0.0.1" };
    expect(await cli.run(["address"], { env })).toMatchObject({ code: 0, stdout: `${ADDRESS}\n` });
    expect(proxy.tunnels).toEqual([]);
  });

  test("a proxy that refuses is a failure, which does not show its password", async () => {
    proxy.refuses = true;
    const { code, stdout, stderr } = await cli.run(["address", "--proxy", proxy.url, "--timeout", "5"]);
    expect(stdout).toBe("");
    expect([5, 7]).toContain(code);
    expect(stderr).not.toContain("planted-password");
  });

  test("doctor does not try the way that requests do not take", async () => {
    const { stdout } = await cli.run(["doctor", "--proxy", proxy.url]);
    expect(stdout).toMatch(/ok {9}endpoint and TLS.* not tried: requests go through the proxy/);
    expect(stdout).toContain("the signature is by the key");
  });
});

test("what cannot be right", async () => {
  const cli = new CommandProcess();
  const wrong = await cli.run(["address", "--key", "aws-kms:alias/x?region=eu-west-1", "--proxy", "proxy:3128"]);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("must be a URL") });
  const token = await cli.run(["address", "--key", "pkcs11:object=x?module-path=/x.so", "--proxy", "http://p:1"]);
  expect(token).toMatchObject({ code: 2, stderr: expect.stringContaining("--proxy is for keys in") });
});

/** Not of 127.0.0.1, which https-proxy-agent cannot compare with a certificate. */
function certificateOfLocalhost() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const alternative = tlv(0x04, sequence(tlv(0x82, Buffer.from("localhost"))));
  const extensions = [sequence(Buffer.from("0603551d11", "hex"), alternative)];
  const names = { subject: "localhost", issuer: "localhost" };
  const cert = issueCertificate({ ...names, publicKey, signedBy: privateKey, extensions });
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), cert };
}

function named(url: string): string {
  return url.replace("127.0.0.1", "localhost");
}

async function startAws(): Promise<Cloud> {
  const server = await KmsServer.start({ tls });
  const { keyId } = server.ring.importKey(PRIVATE_KEY);
  return {
    uri: `aws-kms:${keyId}?region=${server.region}&endpoint=${named(server.url)}`,
    url: named(server.url),
    env: { AWS_ACCESS_KEY_ID: "AKIATESTTESTTESTTEST", AWS_SECRET_ACCESS_KEY: "test-secret-access-key" },
    close: () => server.close(),
  };
}

async function startAzure(): Promise<Cloud> {
  const vault = await startVault({ tls });
  vault.server.vault.put("treasury", { privateKey: PRIVATE_KEY });
  return {
    uri: `azure-key-vault:${named(vault.server.url)}/keys/treasury?disableChallengeResourceVerification=true`,
    url: named(vault.server.url),
    env: { ...vault.env },
    close: () => vault.close(),
  };
}

async function startGoogle(): Promise<Cloud> {
  const google = await startGoogleCloud({ tls });
  google.server.rings.add(VERSION.split("/cryptoKeyVersions/")[0] ?? "", { privateKey: PRIVATE_KEY });
  const url = named(google.server.url);
  return { uri: `gcp-kms:${VERSION}?endpoint=${url}`, url, env: google.env, close: () => google.close() };
}
