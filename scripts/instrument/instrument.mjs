import { fileURLToPath } from "node:url";
import { transformSync } from "@babel/core";

const istanbul = fileURLToPath(import.meta.resolve("babel-plugin-istanbul"));

/**
 * TypeScript that counts what of it runs, in `globalThis.__coverage__`.
 *
 * @param {string} source
 * @param {string} filename
 * @param {(filename: string, counted: import("istanbul-lib-coverage").FileCoverageData) => void} [onCover] is told what is counted.
 */
export function instrument(source, filename, onCover) {
  const result = transformSync(source, {
    filename,
    configFile: false,
    babelrc: false,
    retainLines: true,
    parserOpts: { plugins: ["typescript"] },
    plugins: [[istanbul, { exclude: [], extension: [".ts"], onCover }]],
  });
  if (!result?.code) throw new Error(`${filename} cannot be instrumented`);
  return result.code;
}
