import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { AccountDirectory } from "../../src/index.ts";
import { Pkcs11KeyStore } from "../../src/pkcs11/index.ts";
import { openStore } from "../aws-kms/store-support.ts";
import { startEmptyServer, storeFor } from "../azure-key-vault/store-setup.ts";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { createToken } from "../support/softhsm-env.ts";

const addressOf = (name: string) => new Wallet(id(name)).address;

let kms: KmsServer;
let vault: KeyVaultServer;
const token = createToken("directory");
const closings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  kms = await KmsServer.start();
  vault = await startEmptyServer();
  closings.push(
    () => kms.close(),
    () => vault.close(),
  );
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

test("one directory over AWS KMS, Azure Key Vault and a token: discovery, signing, an outage, and the way back", async () => {
  kms.ring.importKey(id("in kms"));
  vault.vault.put("in-vault", { privateKey: id("in vault") });
  token.importKey(id("in token"), { label: "in token" });
  const { libraryPath, label: tokenLabel, pin } = token;
  const stores = [
    openStore(kms, { maxAttempts: 1 }),
    storeFor(vault),
    new Pkcs11KeyStore({ libraryPath, tokenLabel, pin }),
  ];
  for (const store of stores) closings.push(() => store.close());
  const directory = new AccountDirectory({ stores });

  const all = ["in kms", "in vault", "in token"].map(addressOf);
  expect((await directory.refresh()).added).toEqual(all);
  for (const address of all) {
    const signer = await directory.getSigner(address);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
  }

  // KMS is out of reach while keys come and go elsewhere: its accounts stay, and the failure is named.
  kms.faults.add({ kind: "reset" });
  vault.vault.put("new-in-vault", { privateKey: id("new in vault") });
  token.deleteKeys("in token");
  const outage = await directory.refresh();
  expect(outage).toMatchObject({
    added: [addressOf("new in vault")],
    removed: [addressOf("in token")],
    unchanged: [addressOf("in kms"), addressOf("in vault")],
    failed: [{ backend: "aws-kms", key: undefined, error: { code: "BACKEND_UNAVAILABLE", retryable: true } }],
  });
  expect(await directory.health()).toMatchObject([
    { backend: "aws-kms", accounts: 1, reachable: false, refreshError: { code: "BACKEND_UNAVAILABLE" } },
    { backend: "azure-key-vault", accounts: 2, reachable: true, canList: true, refreshError: undefined },
    { backend: "pkcs11", accounts: 0, reachable: true, canList: true, refreshError: undefined },
  ]);

  kms.faults.clear();
  kms.ring.importKey(id("new in kms"));
  expect(await directory.refresh()).toMatchObject({ added: [addressOf("new in kms")], removed: [], failed: [] });
  expect((await directory.accounts()).sort()).toEqual(
    ["in kms", "new in kms", "in vault", "new in vault"].map(addressOf).sort(),
  );
  directory.close();
});
