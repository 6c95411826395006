import { inspect } from "node:util";
import { KeyClient } from "@azure/keyvault-keys";
import { describe, expect, test } from "@jest/globals";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { StaticCredential } from "./setup.ts";

const credential = new StaticCredential();
const SECRET = "a-client-secret-that-must-not-show";
const principal = { tenantId: "tenant", clientId: "client", clientSecret: SECRET };
const client = new KeyClient("https://treasury.vault.azure.net", credential);
const VERSION = "0123456789abcdef0123456789abcdef";

describe("a vault and a key", () => {
  test.each<[AzureKeyVaultSignerOptions, string]>([
    [
      { vaultUrl: "https://treasury.vault.azure.net", keyName: "hot", credential },
      "https://treasury.vault.azure.net/keys/hot",
    ],
    [
      { vaultUrl: "https://Treasury.vault.azure.net/", keyName: "hot", credential },
      "https://treasury.vault.azure.net/keys/hot",
    ],
    [
      { vaultUrl: "https://treasury.vault.azure.net", keyName: "hot", keyVersion: VERSION, credential },
      `https://treasury.vault.azure.net/keys/hot/${VERSION}`,
    ],
    [{ vaultName: "treasury", keyName: "hot", ...principal }, "https://treasury.vault.azure.net/keys/hot"],
    [{ vaultName: "treasury", keyName: "hot", credential }, "https://treasury.vault.azure.net/keys/hot"],
    [
      { vaultUrl: "https://safe.managedhsm.azure.net", keyName: "hot", credential },
      "https://safe.managedhsm.azure.net/keys/hot",
    ],
    [
      { vaultUrl: "https://treasury.vault.azure.cn", keyName: "hot", ...principal },
      "https://treasury.vault.azure.cn/keys/hot",
    ],
    [
      { vaultUrl: "https://treasury.vault.usgovcloudapi.net", keyName: "hot", credential },
      "https://treasury.vault.usgovcloudapi.net/keys/hot",
    ],
    [{ keyId: "https://treasury.vault.azure.net/keys/hot", credential }, "https://treasury.vault.azure.net/keys/hot"],
    [
      { keyId: `https://safe.managedhsm.azure.net/keys/hot/${VERSION}`, credential },
      `https://safe.managedhsm.azure.net/keys/hot/${VERSION}`,
    ],
    [{ client, keyName: "hot" }, "https://treasury.vault.azure.net/keys/hot"],
    [
      { client, vaultUrl: "https://treasury.vault.azure.net", keyName: "hot" },
      "https://treasury.vault.azure.net/keys/hot",
    ],
    [{ client, keyId: "https://treasury.vault.azure.net/keys/hot" }, "https://treasury.vault.azure.net/keys/hot"],
    [
      { vaultUrl: "http://127.0.0.1:8080", allowInsecureConnection: true, keyName: "hot", credential },
      "http://127.0.0.1:8080/keys/hot",
    ],
  ])("%#: %j", (options, keyId) => {
    const signer = new AzureKeyVaultSigner(options);
    expect(signer.keyId).toBe(keyId);
    expect(signer.backend).toBe("azure-key-vault");
    expect(signer.connect(null).keyId).toBe(keyId);
  });
});

const vault = { vaultUrl: "https://treasury.vault.azure.net" };
const good = { ...vault, keyName: "hot", credential };

describe("options that cannot be right", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["nothing", {}, "vaultUrl"],
    ["no vault", { keyName: "hot", credential }, "vaultUrl"],
    ["no key", { ...vault, credential }, "keyName"],
    ["no credential", { ...vault, keyName: "hot" }, "credential"],
    ["a vault's URL with a path", { ...good, vaultUrl: "https://treasury.vault.azure.net/keys" }, "vaultUrl"],
    ["a vault's URL with a query", { ...good, vaultUrl: "https://treasury.vault.azure.net/?x=1" }, "vaultUrl"],
    [
      "a vault's URL with a password",
      { ...good, vaultUrl: `https://user:${SECRET}@treasury.vault.azure.net` },
      "vaultUrl",
    ],
    ["a vault's URL without TLS", { ...good, vaultUrl: "http://treasury.vault.azure.net" }, "vaultUrl"],
    ["a vault's URL that is a file", { ...good, vaultUrl: "file:///etc" }, "vaultUrl"],
    ["a vault's URL that is a number", { ...good, vaultUrl: 5 }, "vaultUrl"],
    ["a vault's name with a dot", { vaultName: "treasury.evil.example", keyName: "hot", credential }, "vaultName"],
    ["a vault's name with a slash", { vaultName: "evil.example/", keyName: "hot", credential }, "vaultName"],
    ["a vault's name and URL", { ...good, vaultName: "treasury" }, "vaultName"],
    ["a key's name with a slash", { ...good, keyName: "../secrets/x" }, "keyName"],
    ["a key's name that is empty", { ...good, keyName: "" }, "keyName"],
    ["a key's name that is too long", { ...good, keyName: "x".repeat(128) }, "keyName"],
    ["a key's version with a slash", { ...good, keyVersion: "a/b" }, "keyVersion"],
    ["a key's version that is empty", { ...good, keyVersion: "" }, "keyVersion"],
    ["a keyId that is not a URL", { keyId: "hot", credential }, "keyId"],
    ["a keyId of a secret", { keyId: "https://treasury.vault.azure.net/secrets/hot", credential }, "keyId"],
    ["a keyId of an operation", { keyId: "https://treasury.vault.azure.net/keys/hot/1/sign", credential }, "keyId"],
    [
      "a keyId and a keyName",
      { keyId: "https://treasury.vault.azure.net/keys/hot", keyName: "hot", credential },
      "keyId",
    ],
    ["a keyId and a vaultUrl", { ...vault, keyId: "https://treasury.vault.azure.net/keys/hot", credential }, "keyId"],
    ["a keyId without TLS", { keyId: "http://treasury.vault.azure.net/keys/hot", credential }, "vaultUrl"],
    ["a credential that is none", { ...good, credential: "token" }, "credential"],
    ["a credential that is null", { ...good, credential: null }, "credential"],
    ["a credential and a secret", { ...good, clientSecret: SECRET }, "credential"],
    [
      "a secret without its tenant",
      { ...vault, keyName: "hot", clientId: "client", clientSecret: SECRET },
      "clientSecret",
    ],
    [
      "a secret that is not a string",
      { ...vault, keyName: "hot", ...principal, clientSecret: { SECRET } },
      "clientSecret",
    ],
    ["a client and a credential", { ...good, client }, "credential"],
    ["a client and its options", { client, keyName: "hot", retryOptions: { maxRetries: 1 } }, "client"],
    ["a client of another vault", { client, vaultUrl: "https://other.vault.azure.net", keyName: "hot" }, "client"],
    ["a client of another vault than keyId's", { client, keyId: "https://other.vault.azure.net/keys/hot" }, "client"],
    ["a client that is none", { client: { vaultUrl: vault.vaultUrl }, keyName: "hot" }, "client"],
    ["a client that is null", { client: null, ...vault, keyName: "hot" }, "client"],
    ["a timeout of 0", { ...good, timeout: 0 }, "timeout"],
    ["a timeout that is not a number", { ...good, timeout: "5" }, "timeout"],
    ["an address that is none", { ...good, expectedAddress: "0x12" }, "address"],
  ])("%s", (_name, options, argument) => {
    let failure: unknown;
    try {
      new AzureKeyVaultSigner(options as AzureKeyVaultSignerOptions);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    expect(inspect(failure, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });
});
