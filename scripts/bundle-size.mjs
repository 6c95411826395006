import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { entryPoints } from "./entry-points.mjs";

/**
 * What an application may have to carry at most: bytes, minified and gzipped, without the peers.
 *
 * @type {Record<string, number>}
 */
const BUDGETS = {
  // asn1js and @noble/curves, which decode and verify, are 24 kB of each that signs.
  // Policy, audit, custody and telemetry of a signer are another 3 kB, the strict decoders that read a payload again for them 1 kB.
  ".": 30_000,
  // With FailoverKey, for its replicas.
  "./aws-kms": 62_000,
  "./azure-key-vault": 45_000,
  "./gcp-kms": 62_000,
  "./codecs": 36_000,
  // A third of it sends with nonces that a store counts.
  "./eip1193": 21_000,
  "./nonces": 14_000,
  "./approvals": 18_000,
  "./audit": 8_000,
  "./opentelemetry": 2_000,
  "./policy": 15_000,
  "./viem": 2_000,
  "./pkcs11": 70_000,
  "./cloudhsm": 70_000,
  "./cloudhsm/quorum": 58_000,
  "./secp256k1": 4_000,
  "./attestation": 6_000,
  // All backends, each of which is loaded only if a URI names it.
  "./uri": 115_000,
  "./testing": 25_000,
};

/** Peers, of which an application brings its own copy. */
const PEERS = [
  "ethers",
  "secp256k1",
  "@aws-sdk/*",
  "@azure/*",
  "google-auth-library",
  "@opentelemetry/api",
  "pkcs11js",
  "viem",
  "viem/*",
  "node:*",
];

/** @typedef {{ name: string, minified: number, gzipped: number, budget: number }} BundledSize */

/**
 * @returns {Promise<BundledSize[]>} bytes of each built entry point, as an ES module with the library's own dependencies, the
 *   parts that it loads later included
 */
export async function bundledSizes() {
  return Promise.all(
    entryPoints().map(async ({ name, import: { default: file } }) => {
      const { outputFiles } = await build({
        entryPoints: [file],
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        platform: "neutral",
        mainFields: ["module", "main"],
        external: PEERS,
        legalComments: "none",
        write: false,
        logLevel: "error",
      });
      const code = outputFiles[0]?.contents ?? new Uint8Array();
      const budget = BUDGETS[name];
      if (budget === undefined) throw new Error(`scripts/bundle-size.mjs has no budget for ${name}`);
      return { name, minified: code.length, gzipped: gzipSync(code, { level: 9 }).length, budget };
    }),
  );
}
