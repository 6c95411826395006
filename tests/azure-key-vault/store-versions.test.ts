import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import { AzureKeyVaultKeyStore, AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { StaticCredential } from "./setup.ts";
import { listingOf, startEmptyServer, storeFor } from "./store-setup.ts";

const KEYS = ["the first version", "the second version", "the third version"].map((name) => id(name));
const DIGEST = new Uint8Array(32).fill(7);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

test("versions: all lists each version of each key, an account each, which signs by its own version", async () => {
  const put = KEYS.map((privateKey) => server.vault.put("hot", { privateKey }));
  server.vault.put("other", { curve: "P-256" });
  server.vault.put("cold", { enabled: false });
  const store = storeFor(server, { versions: "all" });
  const { stored, failed } = await listingOf(store);
  expect(stored.map(({ address }) => address).sort()).toEqual(KEYS.map((key) => computeAddress(key)).sort());
  expect(stored.map(({ key }) => key.id).sort()).toEqual(
    put.map(({ version }) => `${server.url}/keys/hot/${version}`).sort(),
  );
  expect(failed).toMatchObject([{ name: "cold", error: { code: "KEY_UNUSABLE" } }]);
  for (const { key, address } of stored) {
    const signer = new RemoteSigner(key, null, { expectedAddress: address });
    expect((await signer.signDigest(DIGEST)).isValid()).toBe(true);
    await signer.verifyKey();
  }
  await store.close();
});

test("by default only the current version is listed", async () => {
  for (const privateKey of KEYS) server.vault.put("hot", { privateKey });
  const store = storeFor(server);
  expect((await listingOf(store)).stored).toMatchObject([{ address: computeAddress(String(KEYS.at(-1))) }]);
  expect(server.count("listKeyVersions")).toBe(0);
  await store.close();
});

test("a former version that is disabled does not end the listing", async () => {
  server.vault.put("hot", { privateKey: String(KEYS[0]), enabled: false });
  server.vault.put("hot", { privateKey: String(KEYS[1]) });
  const store = storeFor(server, { versions: "all" });
  const { stored, failed } = await listingOf(store);
  expect([stored.length, failed.length]).toEqual([1, 1]);
  await store.close();
});

test("what versions cannot be, and the names of private endpoints, are refused", () => {
  const argument = (name: string) => expect.objectContaining({ code: "INVALID_ARGUMENT", argument: name });
  expect(() => storeFor(server, { versions: "old" as "all" })).toThrow(argument("versions"));
  const credential = new StaticCredential();
  const vaultUrl = "https://treasury.privatelink.vaultcore.azure.net";
  expect(() => new AzureKeyVaultSigner({ vaultUrl, keyName: "hot", credential })).toThrow(/by its own name/);
  expect(() => new AzureKeyVaultKeyStore({ vaultUrl, credential })).toThrow(argument("vaultUrl"));
  const tenant = { tenantId: "not a tenant!", clientId: "c", clientSecret: "s" };
  expect(() => new AzureKeyVaultKeyStore({ vaultName: "treasury", ...tenant })).toThrow(/white space/);
  const malformed = { ...tenant, tenantId: "tenant!" };
  expect(() => new AzureKeyVaultKeyStore({ vaultName: "treasury", ...malformed })).toThrow(argument("tenantId"));
});
