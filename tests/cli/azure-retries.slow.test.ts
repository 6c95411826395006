import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { KEY_NAME, PRIVATE_KEY } from "../azure-key-vault/setup.ts";
import { CommandLine } from "./support/command.ts";
import { startVault, type VaultWithIdentity } from "./support/vault.ts";

// The SDK retries a connection that is refused for 20 seconds.

let azure: VaultWithIdentity;
let cli: CommandLine;

beforeAll(async () => {
  azure = await startVault();
  azure.server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
  const key = `azure-key-vault:${azure.server.url}/keys/${KEY_NAME}?${azure.query}`;
  cli = new CommandLine({ ...azure.env, ETHERS_HSM_KEY: key });
});

afterAll(() => azure.close());

test("a token service that is out of reach has its exit code", async () => {
  const unreachable = await cli.run(["address"], { env: { IDENTITY_ENDPOINT: "http://127.0.0.1:9/token" } });
  expect([3, 5]).toContain(unreachable.code);
  expect(unreachable.stdout).toBe("");
});
