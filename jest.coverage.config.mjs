// A whole run of jest that counts what it reaches of src, for scripts/coverage.mjs. It takes about twice its time.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import base from "./jest.config.mjs";

const { transform, moduleNameMapper, ...rest } = base;
const [pattern, [, compiler]] = Object.entries(transform)[0];
const folder = process.env.ETHERS_HSM_COVERAGE;
if (!folder) throw new Error("Run `npm run coverage`.");

/** @type {import("jest").Config} */
export default {
  ...rest,
  moduleNameMapper: {
    ...moduleNameMapper,
    "^ethers-hsm/pkcs11/isolation$": join(folder, "bundle/pkcs11/isolation/index.js"),
  },
  transform: { [pattern]: [fileURLToPath(import.meta.resolve("./scripts/instrument/transformer.mjs")), compiler] },
  collectCoverage: true,
  collectCoverageFrom: ["src/**/*.ts"],
  coverageReporters: ["json"],
};
