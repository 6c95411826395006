import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress } from "ethers";
import { KEY_NAME, PRIVATE_KEY } from "../azure-key-vault/setup.ts";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { CommandLine } from "./support/command.ts";
import { examined } from "./support/steps.ts";
import { startVault, type VaultWithIdentity } from "./support/vault.ts";

let azure: VaultWithIdentity;
let cli: CommandLine;
let uri: (name: string) => string;

beforeAll(async () => {
  azure = await startVault();
  azure.server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
  uri = (name) => `azure-key-vault:${azure.server.url}/keys/${name}?${azure.query}`;
  cli = (await CommandLine.build()).with({ ...azure.env, ETHERS_HSM_KEY: uri(KEY_NAME) });
});

afterEach(() => azure.server.faults.clear());

afterAll(() => Promise.all([cli.remove(), azure.close()]));

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
    const { troubles, step } = await examined(cli, [], { env: { IDENTITY_HEADER: "another" } });
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

  test("a certificate that nobody trusts, and nobody at the vault", async () => {
    const server = await LoopbackServer.start(async () => ({ status: 200 }), { tls: selfSignedCertificate() });
    const untrusted = await examined(cli, ["--key", `azure-key-vault:${server.url}/keys/k`]);
    await server.close();
    expect(untrusted.step("endpoint and TLS")).toMatchObject({
      ...{ status: "failed", detail: expect.stringMatching(/not trusted \(\w+\).*NODE_EXTRA_CA_CERTS/) },
    });
    const nobody = await examined(cli, ["--key", "azure-key-vault:https://127.0.0.1:9/keys/k"]);
    expect(nobody.step("endpoint and TLS").detail).toContain("ECONNREFUSED");
  });
});
