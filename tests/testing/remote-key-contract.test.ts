import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { id } from "ethers";
import { remoteKeyContract, TestKey } from "ethers-hsm/testing";
import { KmsKey } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultKey } from "../../src/azure-key-vault/index.ts";
import { Pkcs11Key } from "../../src/pkcs11/index.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { type Kms, startKms } from "../aws-kms/support.ts";
import { optionsFor, startServer } from "../azure-key-vault/setup.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("the contract of remote keys");
const token = createToken("remote-key-contract");
let kms: Kms;
let vault: KeyVaultServer;

beforeAll(async () => {
  token.importKey(PRIVATE_KEY, { label: "hot" });
  [kms, vault] = await Promise.all([startKms(), startServer()]);
});

afterAll(async () => {
  await Promise.all([kms.server.close(), vault.close()]);
});

const { address: expectedAddress } = new TestKey(PRIVATE_KEY);
const { libraryPath, label: tokenLabel, pin } = token;
const pkcs11 = { libraryPath, tokenLabel, pin, keyLabel: "hot" };

describe.each([
  ["TestKey", () => new TestKey(PRIVATE_KEY)],
  ["Pkcs11Key over SoftHSM2", () => new Pkcs11Key(pkcs11)],
  ["KmsKey over a server that speaks KMS", () => new KmsKey(kms.options())],
  ["AzureKeyVaultKey over a server of Key Vault's protocol", () => new AzureKeyVaultKey(optionsFor(vault))],
  [
    "FailoverKey over two keys",
    () => new FailoverKey([new TestKey(PRIVATE_KEY), new KmsKey(kms.options())], { expectedAddress }),
  ],
  [
    "FailoverKey over two keys of one token",
    () => new FailoverKey([new Pkcs11Key(pkcs11), new TestKey(PRIVATE_KEY)], { expectedAddress }),
  ],
] as const)("%s", (_name, create) => {
  for (const { name, run } of remoteKeyContract(create)) test(name, run);
});
