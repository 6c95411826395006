import { fileURLToPath } from "node:url";
import { transformSync } from "@babel/core";
import swc from "@swc/jest";

/**
 * As @swc/jest, but what is counted is counted in the TypeScript itself. jest by itself counts in what the compiler made of it,
 * where a module's exports are functions of their own.
 */
export default {
  /** @param {import("@swc/core").Options & { experimental?: never }} options */
  createTransformer(options) {
    const compiler = swc.createTransformer(options);
    const { process } = compiler;
    return {
      ...compiler,
      canInstrument: true,
      /** @type {typeof process} */
      process: (source, path, request) =>
        process?.(request.instrument ? instrument(source, path) : source, path, request) ?? { code: source },
    };
  },
};

const istanbul = fileURLToPath(import.meta.resolve("babel-plugin-istanbul"));

/**
 * @param {string} source
 * @param {string} filename
 */
function instrument(source, filename) {
  const result = transformSync(source, {
    filename,
    configFile: false,
    babelrc: false,
    retainLines: true,
    parserOpts: { plugins: ["typescript"] },
    plugins: [[istanbul, { exclude: [], extension: [".ts"] }]],
  });
  if (!result?.code) throw new Error(`${filename} cannot be instrumented`);
  return result.code;
}
