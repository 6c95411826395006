// What the guides' code finds: the services that it names, with the keys that it names, on this machine.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { computeAddress, parseEther } from "ethers";
import { startGoogleCloud } from "../../tests/cli/support/google-cloud.ts";
import { KeyVaultServer } from "../../tests/servers/azure-key-vault/server.ts";
import { startAnvil } from "../../tests/support/anvil.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { softHsmLibrary } from "../setup/softhsm.mjs";
import { KmsRegions } from "./regions.mjs";

// The account of the guides, 0x2c7536E3605D9C16a7a3D7b1898e529396a65c23: a key of examples that everybody knows.
const PRIVATE_KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const MULTI_REGION_KEY = "mrk-1234abcd12ab34cd56ef1234567890ab";
const REGIONS = ["eu-west-1", "eu-central-1", "us-east-1"];
const [PIN, TOKEN] = ["1234", "a-token-of-the-guides"];

/** @typedef {{ replacements: readonly (readonly [string, string])[], env: Record<string, string>, stop: () => Promise<void> }} Places */

/**
 * @param {string} code of the block that is run next: one that makes a key finds its name free
 * @returns {Promise<Places>} what stands for the addresses of the code, and its environment
 */
export async function places(code) {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-docs-"));
  const [kms, vault, anvil] = [await kmsWithKeys(code), await vaultWithKeys(code), await startAnvil()];
  const google = await startGoogleCloud();
  google.server.rings.add("projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury", {
    privateKey: PRIVATE_KEY,
  });
  await anvil.fund(computeAddress(PRIVATE_KEY), parseEther("1000"));
  const credential = `{ getToken: async () => ({ token: "${TOKEN}", expiresOnTimestamp: Date.now() + 3600000 }) }`;
  const vaultUrl = `vaultUrl: "${vault.url}", allowInsecureConnection: true, disableChallengeResourceVerification: true`;
  return {
    replacements: [
      ["http://127.0.0.1:8545", anvil.url],
      ["transport: http()", `transport: http("${anvil.url}")`],
      ["{ mainnet }", "{ foundry as mainnet }"],
      ["/usr/lib/softhsm/libsofthsm2.so", softHsmLibrary() ?? ""],
      ['vaultUrl: "https://treasury.vault.azure.net"', vaultUrl],
      ['vaultName: "treasury"', vaultUrl],
      ["new DefaultAzureCredential()", credential],
      ['keyVersion: "projects/', `endpoint: "${google.server.url}", keyVersion: "projects/`],
      ['parent: "projects/', `endpoint: "${google.server.url}", parent: "projects/`],
    ],
    env: {
      AWS_ENDPOINT_URL_KMS: kms.url,
      AWS_ACCESS_KEY_ID: "AKIADOCUMENTATION000",
      AWS_SECRET_ACCESS_KEY: "documentation",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      ...google.env,
      SOFTHSM2_CONF: tokenConfiguration(folder),
      HSM_PIN: PIN,
      ETHERS_HSM_KEY: "aws-kms:alias/treasury?region=eu-west-1",
      ETHERS_HSM_RPC: anvil.url,
      PRIVATE_KEY,
    },
    stop: async () => {
      await Promise.all([kms.stop(), vault.close(), google.close(), anvil.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param {string} code */
async function kmsWithKeys(code) {
  const kms = await KmsRegions.start(REGIONS);
  for (const { ring } of kms.servers) {
    ring.importKey(PRIVATE_KEY, { keyId: MULTI_REGION_KEY });
    if (code.includes("importKey(")) continue;
    const key = ring.importKey(PRIVATE_KEY, { tags: { team: "payments" } });
    for (const name of ["treasury", "treasury-1", "cold", "payroll", "pay-1"]) ring.putAlias(`alias/${name}`, key);
  }
  return kms;
}

/** @param {string} code */
async function vaultWithKeys(code) {
  const vault = await KeyVaultServer.start();
  vault.tokens.add(TOKEN);
  if (code.includes("importKey(")) return vault;
  vault.vault.put("hot-wallet", { privateKey: PRIVATE_KEY, version: "0123456789abcdef0123456789abcdef" });
  return vault;
}

/** @type {string | undefined} */
let configuration;

/** @param {string} folder @returns {string} that of one token, whose keys stay as blocks leave them */
function tokenConfiguration(folder) {
  if (configuration) return configuration;
  const own = `${folder}-token`;
  mkdirSync(own);
  process.on("exit", () => rmSync(own, { recursive: true, force: true }));
  configuration = writeSoftHsmConfiguration(own);
  process.env["SOFTHSM2_CONF"] = configuration;
  SoftHsmToken.create(softHsmLibrary() ?? "", "treasury", PIN).importKey(PRIVATE_KEY, { label: "hot-wallet" });
  return configuration;
}
