import everything from "./jest.config.mjs";

/**
 * What `npm test` runs. A file named `*.slow.test.ts` is left to `npm run test:all`, and so are most random cases
 * (tests/support/cases.ts).
 *
 * @type {import("jest").Config}
 */
export default {
  ...everything,
  testPathIgnorePatterns: ["/node_modules/", "\\.slow\\.test\\.ts$"],
  globals: { FEW_CASES: true },
};
