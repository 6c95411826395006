import root from "../../jest.config.mjs";

/**
 * The examples that users copy and deploy: `npm run examples:cloud`. They install packages of their own, and the packed
 * library.
 *
 * @type {import("jest").Config}
 */
export default {
  ...root,
  rootDir: "../..",
  testMatch: ["<rootDir>/tests/examples/*.suite.ts"],
  reporters: ["default"],
  setupFilesAfterEnv: [],
  globalSetup: "<rootDir>/tests/examples/support/global-setup.ts",
  // A synthesis and a compilation are processes of their own, and slow on a busy machine.
  testTimeout: 300_000,
  maxWorkers: 1,
};
