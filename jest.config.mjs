import { availableParallelism } from "node:os";

// What no test replaces, and no module declares again.
const FIXED_GLOBALS =
  "Array ArrayBuffer BigInt DataView Error JSON Map Math Number Object Promise Proxy Reflect RegExp Set String Symbol TypeError Uint8Array Uint32Array WeakMap isNaN parseInt";

/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/tests/**/*.test.ts"],
  globalSetup: "<rootDir>/tests/support/global-setup.ts",
  globalTeardown: "<rootDir>/tests/support/global-teardown.ts",
  testSequencer: "<rootDir>/tests/support/slow-first.mjs",
  reporters: ["default", "<rootDir>/tests/support/hanging-files.mjs"],
  setupFilesAfterEnv: ["<rootDir>/tests/support/running-file.ts"],
  moduleNameMapper: {
    // The children of isolated PKCS#11 libraries are processes, which jest does not compile: tests/support/programs.ts does.
    "^ethers-hsm/pkcs11/isolation$": "<rootDir>/.cache/programs/pkcs11/isolation/index.js",
    "^ethers-hsm$": "<rootDir>/src/index.ts",
    "^ethers-hsm/(.*)$": "<rootDir>/src/$1/index.ts",
  },
  transform: {
    "\\.[jt]s$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }],
  },
  transformIgnorePatterns: [
    "/node_modules/(?!@noble/|asn1js/|@peculiar/utils/|@wagmi/|@opensea/|gaxios/|node-fetch/|fetch-blob/|formdata-polyfill/|data-uri-to-buffer/)",
  ],
  // Copies of the checkout may be there, with a package of the same name.
  modulePathIgnorePatterns: ["<rootDir>/.cache/"],
  // The context of a test looks globals up slowly: parseInt, which ethers calls for each byte of hex, took a quarter of some tests.
  sandboxInjectedGlobals: FIXED_GLOBALS.split(" "),
  // The end of a test that hangs; a machine with other work takes its time.
  testTimeout: 120_000,
  // Much of a run is waiting for nodes, processes and deadlines.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
};
