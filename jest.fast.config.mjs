import everything from "./jest.config.mjs";

/**
 * What `npm test` runs. A file named `*.slow.test.ts` is left to `npm run test:all`.
 *
 * @type {import("jest").Config}
 */
export default { ...everything, testPathIgnorePatterns: ["/node_modules/", "\\.slow\\.test\\.ts$"] };
