import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyStore } from "ethers-hsm";
import { KmsKeyStore } from "ethers-hsm/aws-kms";
import { AzureKeyVaultKeyStore } from "ethers-hsm/azure-key-vault";
import { CloudHsmKeyStore } from "ethers-hsm/cloudhsm";
import { GcpKmsKeyStore } from "ethers-hsm/gcp-kms";
import { Pkcs11KeyStore } from "ethers-hsm/pkcs11";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { KeyVaultServer } from "../../tests/servers/azure-key-vault/server.ts";
import { GcpKmsServer } from "../../tests/servers/gcp-kms/server.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";

/** A place with many keys, for an example. */
export interface ExampleStore {
  readonly store: KeyStore;
  /** Makes a key there. The account is new, and has nothing. */
  create(name: string): Promise<unknown>;
  /** Removes what was made for the example, after the store was closed. */
  close(): Promise<void>;
}

/** A stand-in of the service that `backend` names, with no key in it. */
export const STORES: Readonly<Record<string, () => Promise<ExampleStore>>> = {
  pkcs11: () => softHsmStore("pkcs11"),
  cloudhsm: () => softHsmStore("cloudhsm"),
  "aws-kms": kmsStore,
  "azure-key-vault": azureKeyVaultStore,
  "gcp-kms": gcpKmsStore,
};

async function softHsmStore(preset: "pkcs11" | "cloudhsm"): Promise<ExampleStore> {
  const libraryPath = softHsmLibrary();
  if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-example-"));
  // SoftHSM2 reads its configuration when it is initialised, so this comes before the first use of the library.
  process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
  const [tokenLabel, pin] = ["example-token", "crypto-user:example-password"];
  SoftHsmToken.create(libraryPath, tokenLabel, pin);
  const Store = preset === "cloudhsm" ? CloudHsmKeyStore : Pkcs11KeyStore;
  const store = new Store({ libraryPath, tokenLabel, pin });
  return {
    store,
    create: (name) => store.createKey({ name }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function kmsStore(): Promise<ExampleStore> {
  // The SDK says on Node 20 that later versions of it will need a later Node.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const server = await KmsServer.start();
  const { url: endpoint, region } = server;
  const credentials = { accessKeyId: "AKIAEXAMPLEEXAMPLE00", secretAccessKey: "example" };
  const store = new KmsKeyStore({ region, endpoint, credentials });
  return { store, create: (name) => store.createKey({ name: `alias/${name}` }), close: () => server.close() };
}

async function azureKeyVaultStore(): Promise<ExampleStore> {
  const server = await KeyVaultServer.start();
  const token = "example-token";
  server.tokens.add(token);
  const store = new AzureKeyVaultKeyStore({
    vaultUrl: server.url,
    credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    // For a server on this machine alone, without TLS and outside Azure's domains.
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
  });
  return { store, create: (name) => store.createKey({ name }), close: () => server.close() };
}

async function gcpKmsStore(): Promise<ExampleStore> {
  const server = await GcpKmsServer.start();
  const token = "example-token";
  server.tokens.add(token);
  const parent = server.rings.addRing("projects/example/locations/europe-west1/keyRings/example");
  const auth = { getRequestHeaders: async () => ({ authorization: `Bearer ${token}` }) };
  const store = new GcpKmsKeyStore({ parent, auth, endpoint: server.url });
  return { store, create: (name) => store.createKey({ name }), close: () => server.close() };
}
