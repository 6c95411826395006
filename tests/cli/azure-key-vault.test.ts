import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, verifyMessage } from "ethers";
import { KEY_NAME, PRIVATE_KEY } from "../azure-key-vault/setup.ts";
import { CommandLine } from "./support/command.ts";
import { startVault, type VaultWithIdentity } from "./support/vault.ts";

let azure: VaultWithIdentity;
let cli: CommandLine;
let uri: (name: string) => string;

beforeAll(async () => {
  azure = await startVault();
  azure.server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
  uri = (name) => `azure-key-vault:${azure.server.url}${name}?${azure.query}`;
  cli = new CommandLine({ ...azure.env, ETHERS_HSM_KEY: uri(`/keys/${KEY_NAME}`) });
});

afterEach(() => azure.server.faults.clear());

afterAll(() => azure.close());

describe("a key in Azure Key Vault, by the command line and the SDK's own chain of credentials", () => {
  test("address, sign-message and accounts", async () => {
    const address = computeAddress(PRIVATE_KEY);
    expect(await cli.run(["address"])).toEqual({ code: 0, stdout: `${address}\n`, stderr: "" });
    const { signature } = await cli.json(["sign-message", "hello"]);
    expect(verifyMessage("hello", String(signature))).toBe(address);
    const listed = await cli.json(["accounts", "--key", uri("")]);
    expect(listed).toMatchObject({ address, name: KEY_NAME, backend: "azure-key-vault" });
  });

  test("create and import", async () => {
    const created = await cli.json(["create", "--key", uri("/keys/fresh")]);
    expect(await cli.json(["address", "--key", String(created["uri"])])).toMatchObject({ address: created["address"] });
    const privateKey = id("moves into a vault");
    const env = { ETHERS_HSM_PRIVATE_KEY: privateKey };
    const imported = await cli.json(["import", "--key", uri("/keys/moved")], { env });
    expect(imported).toMatchObject({ address: computeAddress(privateKey), name: "moved" });
    const version = await cli.run(["create", "--key", uri("/keys/fresh/0a1b")]);
    expect(version).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot name a version") });
  });

  test("what fails has its exit code", async () => {
    expect(await cli.run(["address", "--key", uri("/keys/none")])).toMatchObject({ code: 4, stdout: "" });
    azure.server.faults.add({ kind: "error", status: 403, code: "Forbidden", message: "no" }, { operation: "sign" });
    expect(await cli.run(["sign-message", "x"])).toMatchObject({ code: 3, stdout: "" });
  });
});
