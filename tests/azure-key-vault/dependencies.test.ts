import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { StaticCredential } from "./setup.ts";

function uninstall(name: string): void {
  jest.doMock(name, () => {
    throw Object.assign(new Error(`Cannot find package '${name}'`), { code: "ERR_MODULE_NOT_FOUND" });
  });
}

afterEach(() => {
  jest.resetModules();
  jest.dontMock("@azure/keyvault-keys");
  jest.dontMock("@azure/identity");
});

const vault = { vaultUrl: "https://treasury.vault.azure.net", keyName: "hot" };

describe("a package that is not installed is named with the line that installs it", () => {
  test.each<[string, AzureKeyVaultSignerOptions]>([
    ["@azure/keyvault-keys", { ...vault, credential: new StaticCredential() }],
    ["@azure/identity", { ...vault, tenantId: "t", clientId: "c", clientSecret: "s" }],
  ])("%s", async (name, options) => {
    uninstall(name);
    const signer = new AzureKeyVaultSigner(options);
    await expect(signer.getAddress()).rejects.toMatchObject({
      code: "DEPENDENCY_MISSING",
      retryable: false,
      message: expect.stringContaining(`npm install ${name}`),
    });
    await signer.close();
  });
});
