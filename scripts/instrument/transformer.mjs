import swc from "@swc/jest";
import { instrument } from "./instrument.mjs";

/**
 * As @swc/jest, but what is counted is counted in the TypeScript itself. jest alone counts in what the compiler made of it,
 * where a module's exports are functions of their own.
 */
export default {
  /** @param {import("@swc/core").Options & { experimental?: never }} options */
  createTransformer(options) {
    const compiler = swc.createTransformer(options);
    // Without processAsync jest takes process for the files that no test has loaded, too.
    const { process, processAsync: _processAsync, ...others } = compiler;
    return {
      ...others,
      canInstrument: true,
      /** @type {typeof process} */
      process: (source, path, request) =>
        process?.(request.instrument ? instrument(source, path) : source, path, request) ?? { code: source },
    };
  },
};
