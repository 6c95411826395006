import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { signerFromUri, storeFromUri } from "ethers-hsm/uri";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { KEY_NAME, StaticCredential, startServer } from "../azure-key-vault/setup.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { collect } from "../support/listing.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

let kms: Kms;
let vault: KeyVaultServer;
let token: SoftHsmToken;

beforeAll(async () => {
  [kms, vault] = await Promise.all([startKms(), startServer()]);
  kms.server.ring.putAlias("alias/treasury", kms.key);
  token = createToken("uri");
  token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
  token.importKey(id("another"), { label: "cold", id: "0x02" });
});

afterAll(() => Promise.all([kms.server.close(), vault.close()]));

const awsKms = { credentials: CREDENTIALS };
const kmsUri = () => `aws-kms:alias/treasury?region=eu-west-1&endpoint=${kms.server.url}`;
const tokenUri = (object: string) => `pkcs11:token=${token.label}${object}?module-path=${token.libraryPath}`;

describe("signerFromUri", () => {
  test("gives the signer that its backend exports", async () => {
    const wallet = new Wallet(PRIVATE_KEY);
    const byKms = await signerFromUri(kmsUri(), null, { awsKms });
    expect([byKms.constructor.name, await byKms.getAddress()]).toEqual(["KmsSigner", wallet.address]);

    const keyUri = `azure-key-vault:${vault.kid(KEY_NAME)}?allowInsecureConnection=true&disableChallengeResourceVerification=true`;
    const byVault = await signerFromUri(keyUri, null, { azureKeyVault: { credential: new StaticCredential() } });
    expect(byVault.constructor.name).toBe("AzureKeyVaultSigner");
    expect(await byVault.getAddress()).toMatch(/^0x/);

    const byToken = await signerFromUri(tokenUri(";object=hot"), null, { pkcs11: { pin: token.pin }, timeout: 20_000 });
    expect([byToken.constructor.name, await byToken.getAddress()]).toEqual(["Pkcs11Signer", wallet.address]);

    const preset = tokenUri(";object=hot").replace("pkcs11:", "cloudhsm:");
    const byPreset = await signerFromUri(preset, null, { pkcs11: { pin: token.pin } });
    expect([byPreset.backend, await byPreset.getAddress()]).toEqual(["cloudhsm", wallet.address]);
    await Promise.all([byKms, byVault, byToken, byPreset].map((signer) => signer.close()));
  });

  test("reads nothing and sends nothing before it is used", async () => {
    const byVault = await signerFromUri("azure-key-vault:https://treasury.vault.azure.net/keys/k");
    const byPreset = await signerFromUri("cloudhsm:object=k?pin-source=env:ETHERS_HSM_NOT_SET");
    expect([byVault.backend, byVault.provider]).toEqual(["azure-key-vault", null]);
    await Promise.all([byVault.close(), byPreset.close()]);
    const library = await signerFromUri("pkcs11:object=k?module-path=/nonexistent/lib.so&pin-source=env:P");
    await expect(library.getAddress()).rejects.toMatchObject({ code: "DEPENDENCY_MISSING" });
    await library.close();
  });

  test("keeps what is passed beside the URI: expectedAddress, timeout, options", async () => {
    const signer = await signerFromUri(kmsUri(), null, { awsKms, expectedAddress: Wallet.createRandom().address });
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "ADDRESS_MISMATCH" });
    await signer.close();
  });

  test.each<[name: string, uri: () => string, options: object, message: RegExp]>([
    ["what the URI says already", kmsUri, { awsKms: { ...awsKms, region: "us-east-1" } }, /it says region already/],
    [
      "options of another backend",
      kmsUri,
      { pkcs11: { pin: "1234" } },
      /the options pkcs11 are not for a URI of aws-kms/,
    ],
    ["a place, and no key", () => tokenUri(""), {}, /it names a place, not a key/],
    ["no library", () => "pkcs11:object=k", {}, /needs the library/],
  ])("refuses %s", async (_name, uri, options, message) => {
    await expect(signerFromUri(uri(), null, options)).rejects.toMatchObject({
      ...{ code: "INVALID_ARGUMENT", argument: "uri", shortMessage: expect.stringMatching(message) },
    });
  });
});

describe("storeFromUri", () => {
  test("gives the place that a key is in", async () => {
    const store = await storeFromUri(tokenUri(";object=hot"), { pkcs11: { pin: token.pin } });
    const names = (await collect(store.list())).stored.map(({ name }) => name);
    expect([store.backend, names.sort()]).toEqual(["pkcs11", ["cold", "hot"]]);
    await store.close?.();
  });

  test("gives a vault, and the keys of a prefix", async () => {
    const uri = `azure-key-vault:${vault.url}?allowInsecureConnection=true&disableChallengeResourceVerification=true`;
    const azureKeyVault = { credential: new StaticCredential() };
    const names = async (prefix: string | undefined) => {
      const store = await storeFromUri(uri, { azureKeyVault, prefix });
      const { stored } = await collect(store.list());
      await store.close?.();
      return [store.backend, store.id, ...stored.map(({ name }) => name)];
    };
    expect(await names(undefined)).toEqual(["azure-key-vault", vault.url, KEY_NAME]);
    expect(await names("hot-")).toEqual(["azure-key-vault", vault.url, KEY_NAME]);
    expect(await names("cold-")).toEqual(["azure-key-vault", vault.url]);
  });

  test("gives AWS's preset, whose PIN the URI says the place of", async () => {
    process.env["ETHERS_HSM_TEST_PIN"] = token.pin;
    const uri = `${tokenUri("").replace("pkcs11:", "cloudhsm:")}&pin-source=env:ETHERS_HSM_TEST_PIN`;
    const store = await storeFromUri(uri);
    const { stored } = await collect(store.list());
    delete process.env["ETHERS_HSM_TEST_PIN"];
    expect([store.backend, stored.map(({ name }) => name).sort()]).toEqual(["cloudhsm", ["cold", "hot"]]);
    await store.close?.();
  });

  test("lists by a prefix, in the Region of an ARN", async () => {
    const uri = `aws-kms:${kms.key.arn}?endpoint=${kms.server.url}`;
    const store = await storeFromUri(uri, { awsKms, prefix: "trea" });
    expect(store.id).toContain("eu-west-1");
    const listed = (await collect(store.list())).stored;
    expect(listed.map(({ name }) => name)).toEqual(["alias/treasury"]);
    await store.close?.();
  });
});
