import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { newPrivateKey } from "../demo/new-private-key.ts";

/** A new key in a stand-in of a service, as the project is told of it: by variables of the environment alone. */
export interface Deployer {
  readonly env: Readonly<Record<string, string>> & { readonly ETHERS_HSM_KEY: string };
  close(): Promise<void>;
}

/** By the word of `--backend`. */
export const DEPLOYERS: Readonly<Record<string, () => Promise<Deployer>>> = { "aws-kms": inKms, pkcs11: inToken };

async function inKms(): Promise<Deployer> {
  const server = await KmsServer.start();
  server.ring.putAlias("alias/deployer", server.ring.importKey(newPrivateKey()));
  return {
    env: {
      ETHERS_HSM_KEY: `aws-kms:alias/deployer?region=${server.region}`,
      AWS_ENDPOINT_URL_KMS: server.url,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLEEXAMPLE00",
      AWS_SECRET_ACCESS_KEY: "example",
      // The SDK says on Node 20 that later versions of it will need a later Node.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    },
    close: () => server.close(),
  };
}

async function inToken(): Promise<Deployer> {
  const libraryPath = softHsmLibrary();
  if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-deployer-"));
  const SOFTHSM2_CONF = writeSoftHsmConfiguration(folder);
  // SoftHSM2 reads it when it is initialised, so this comes before the first use of the library.
  process.env["SOFTHSM2_CONF"] = SOFTHSM2_CONF;
  const token = SoftHsmToken.create(libraryPath, "deployment");
  token.generateKey({ label: "deployer" });
  return {
    env: {
      ETHERS_HSM_KEY: `pkcs11:token=deployment;object=deployer?module-path=${libraryPath}&pin-source=env:TOKEN_PIN`,
      TOKEN_PIN: token.pin,
      SOFTHSM2_CONF,
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
