// What the tests reach of src, and the least that they must: a whole run of jest, which takes about twice its time.

import base from "./jest.config.mjs";

const { transform, ...rest } = base;
const [pattern, [, compiler]] = Object.entries(transform)[0];

const everything = { statements: 100, branches: 100, functions: 100, lines: 100 };

/** @type {import("jest").Config} */
export default {
  ...rest,
  transform: { [pattern]: ["<rootDir>/scripts/instrument/transformer.mjs", compiler] },
  collectCoverage: true,
  collectCoverageFrom: ["src/**/*.ts"],
  coverageReporters: ["text", "json"],
  coverageThreshold: {
    "./src/core/": everything,
    "./src/signer/": everything,
    // Of the other folders together.
    global: { statements: 95, branches: 90, functions: 95, lines: 95 },
  },
};
