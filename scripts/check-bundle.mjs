// Checks what can be reached from each entry point of the built package: an application that uses one backend must not be
// made to install or bundle another's packages.

import { build } from "esbuild";
import { entryPoints } from "./entry-points.mjs";

/** What every entry point may import: ethers, and the dependencies. */
const common = ["ethers", "@noble/curves/", "asn1js"];

/** What each may import besides. @type {Record<string, readonly string[]>} */
const ownImports = {
  ".": [],
  "./aws-kms": ["@aws-sdk/client-kms"],
  "./azure-key-vault": ["@azure/keyvault-keys", "@azure/identity"],
  "./gcp-kms": ["google-auth-library"],
  "./eip1193": [],
  "./nonces": [],
  "./approvals": ["node:"],
  "./audit": ["node:"],
  "./opentelemetry": ["@opentelemetry/api"],
  "./policy": [],
  "./viem": ["viem/accounts", "viem/utils"],
  "./pkcs11": ["pkcs11js", "node:"],
  "./cloudhsm": ["pkcs11js", "node:"],
  // It loads the backend that a URI names, whichever that is.
  "./uri": [
    "@aws-sdk/client-kms",
    "@azure/keyvault-keys",
    "@azure/identity",
    "google-auth-library",
    "pkcs11js",
    "node:",
  ],
  "./codecs": [],
  "./secp256k1": ["node:"],
  "./attestation": ["node:"],
  "./testing": [],
  "./cloudhsm/quorum": ["node:"],
};

let failures = 0;
for (const { name, import: esm, require: cjs } of entryPoints()) {
  const allowed = [...common, ...(ownImports[name] ?? [])];
  for (const { default: file } of [esm, cjs]) {
    for (const imported of await packagesReachableFrom(file)) {
      if (allowed.some((each) => (/[/:]$/.test(each) ? imported.startsWith(each) : imported === each))) continue;
      failures += 1;
      console.error(`ethers-hsm entry point ${name} (${file}) must not reach ${imported}`);
    }
  }
}
if (failures > 0) process.exitCode = 1;
else console.log("Each entry point of the bundle reaches only its own packages.");

/** @param {string} file */
async function packagesReachableFrom(file) {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    packages: "external",
    platform: "neutral",
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return new Set(imports.filter(({ external }) => external).map(({ path }) => path));
}
