import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress } from "ethers";
import { KEY_NAME, PRIVATE_KEY } from "../azure-key-vault/setup.ts";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { CommandLine } from "./support/command.ts";
import { CommandProcess } from "./support/command-process.ts";
import { examined } from "./support/steps.ts";
import { startVault, type VaultWithIdentity } from "./support/vault.ts";

let azure: VaultWithIdentity;
let cli: CommandLine;
/** Where the SDK must not know a token already, or Node reads the environment at its start. */
let command: CommandProcess;
let uri: (name: string) => string;

beforeAll(async () => {
  azure = await startVault();
  azure.server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
  uri = (name) => `azure-key-vault:${azure.server.url}/keys/${name}?${azure.query}`;
  const env = { ...azure.env, ETHERS_HSM_KEY: uri(KEY_NAME) };
  cli = new CommandLine(env);
  command = new CommandProcess(env);
});

afterEach(() => azure.server.faults.clear());

afterAll(() => azure.close());

describe("doctor over Azure Key Vault", () => {
  test("walks the whole way, and shows whose token it is, but no token", async () => {
    const { code, steps, step, troubles } = await examined(cli, []);
    expect([code, troubles]).toEqual([0, ["endpoint and TLS: warning"]]);
    expect(steps.map((each) => each.step)).toEqual([
      ...["SDK", "credentials", "endpoint and TLS", "permission to read the key", "key", "address", "signature"],
    ]);
    expect(step("credentials").facts).toEqual(azure.claims);
    expect(step("key").facts).toMatchObject({ curve: "P-256K", enabled: true, keyOperations: ["sign", "verify"] });
    expect(step("address").detail).toBe(computeAddress(PRIVATE_KEY));
    for (const secret of azure.token.split(".")) expect(JSON.stringify(steps)).not.toContain(secret);
  });

  test("no token: the token service is out of reach, or refuses", async () => {
    const { troubles, step } = await examined(command, [], { env: { IDENTITY_HEADER: "another" } });
    expect(step("credentials").status).toBe("failed");
    expect(troubles).toContain("permission to read the key: not-tried");
    expect(troubles).toContain("signature: not-tried");
  });

  test("a key that is not there, one that is disabled, and a refused signature", async () => {
    const none = await examined(cli, ["--key", uri("none")]);
    expect(none.step("permission to read the key")).toMatchObject({ status: "failed", code: "KEY_NOT_FOUND" });
    azure.server.faults.add(
      { kind: "error", status: 403, code: "Forbidden", innerCode: "KeyDisabled", message: "disabled" },
      { operation: "getKey" },
    );
    const disabled = await examined(cli, []);
    expect(disabled.step("permission to read the key")).toMatchObject({ status: "failed", code: "KEY_UNUSABLE" });
    azure.server.faults.clear();
    azure.server.faults.add({ kind: "error", status: 403, code: "Forbidden", message: "no" }, { operation: "sign" });
    const refused = await examined(cli, []);
    expect(refused.step("signature")).toMatchObject({
      status: "failed",
      code: "ACCESS_DENIED",
      detail: expect.stringContaining("keys/sign"),
    });
  });

  test("an older version with a date of expiry", async () => {
    const exp = Date.UTC(2099, 0, 1) / 1_000;
    const { version } = azure.server.vault.put("dated", { privateKey: PRIVATE_KEY, exp });
    azure.server.vault.put("dated", {});
    const dated = await examined(cli, ["--key", uri(`dated/${version}`)]);
    expect(dated.step("key")).toMatchObject({ status: "ok", facts: { version, expires: "2099-01-01T00:00:00.000Z" } });
    expect(dated.step("key").detail).toMatch(/, for sign and verify, until 2099-01-01T/);
    expect(dated.step("address").detail).toBe(computeAddress(PRIVATE_KEY));
  });

  test("a rotation policy is a warning: each rotation is another account", async () => {
    const action = { trigger: { timeAfterCreate: "P90D" }, action: { type: "Rotate" } };
    const body = JSON.stringify({ id: "policy", lifetimeActions: [action], attributes: {} });
    const reply = { status: 200, headers: { "content-type": "application/json" }, body };
    azure.server.faults.add({ kind: "reply", reply }, { operation: "getRotationPolicy" });
    const { ok, step } = await examined(cli, []);
    expect([ok, step("key").status]).toEqual([true, "warning"]);
    expect(step("key").detail).toMatch(/a rotation policy makes new versions of this key, each another account/);
  });

  test("a key that may not sign", async () => {
    azure.server.vault.put("verifies", { keyOps: ["verify"] });
    const { step } = await examined(cli, ["--key", uri("verifies")]);
    expect(step("permission to read the key")).toMatchObject({
      ...{ status: "failed", code: "KEY_UNUSABLE", detail: expect.stringContaining("key_ops: verify") },
    });
  });

  test("a token that does not say whose it is", async () => {
    azure.server.tokens.add("planted-opaque");
    const identity = await LoopbackServer.start(async () => {
      const expires = `${Math.round(Date.now() / 1_000) + 3_600}`;
      const token = { access_token: "planted-opaque", expires_on: expires, token_type: "Bearer" };
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(token) };
    });
    const env = { IDENTITY_ENDPOINT: `${identity.url}/msi/token` };
    const { ok, step, steps } = await examined(command, [], { env });
    await identity.close();
    expect([ok, step("credentials").detail]).toEqual([true, "a token that does not say whose it is"]);
    expect(JSON.stringify(steps)).not.toContain("planted");
  });

  test.each<[name: string, hours: number, status: string, detail: RegExp]>([
    ["that ends soon", 48, "warning", /until \d{4}-\d\d-\d\d; the certificate expires within two weeks: renew it/],
    ["that lasts", 24 * 60, "ok", /, TLSv1\.3, certificate by 127\.0\.0\.1 until \d{4}-\d\d-\d\d$/],
  ])("a trusted certificate %s, and one of another host", async (_name, hours, status, detail) => {
    const tls = selfSignedCertificate(hours);
    const folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-"));
    const env = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
    await writeFile(env.NODE_EXTRA_CA_CERTS, tls.cert);
    const server = await LoopbackServer.start(async () => ({ status: 200 }), { tls });
    const trusted = await examined(command, ["--key", `azure-key-vault:${server.url}/keys/k`], { env });
    const other = server.url.replace("127.0.0.1", "localhost");
    const mistaken = await examined(command, ["--key", `azure-key-vault:${other}/keys/k`], { env });
    await Promise.all([server.close(), rm(folder, { recursive: true })]);
    expect(trusted.step("endpoint and TLS")).toMatchObject({ status, detail: expect.stringMatching(detail) });
    expect(mistaken.step("endpoint and TLS")).toMatchObject({
      ...{ status: "failed", detail: expect.stringContaining("not trusted (ERR_TLS_CERT_ALTNAME_INVALID)") },
    });
  });

  test("a certificate that is not trusted, and a vault that does not listen", async () => {
    const server = await LoopbackServer.start(async () => ({ status: 200 }), { tls: selfSignedCertificate() });
    const untrusted = await examined(cli, ["--key", `azure-key-vault:${server.url}/keys/k`]);
    await server.close();
    expect(untrusted.step("endpoint and TLS")).toMatchObject({
      ...{ status: "failed", detail: expect.stringMatching(/not trusted \(\w+\).*NODE_EXTRA_CA_CERTS/) },
    });
    const unreachable = await examined(cli, ["--key", "azure-key-vault:https://127.0.0.1:9/keys/k"]);
    expect(unreachable.step("endpoint and TLS").detail).toContain("ECONNREFUSED");
  });
});
