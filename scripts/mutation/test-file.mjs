import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { buildSync } from "esbuild";

const require = createRequire(import.meta.url);
const GLOBALS = fileURLToPath(new URL("jest-globals.mjs", import.meta.url));

/** @typedef {import("./jest-globals.mjs")["tests"][number]} Test */

/** A file of tests with all that it imports from this project, to be loaded any number of times, each time from the start. */
export class TestFile {
  name;
  path;
  #script;

  /** @param {string} path */
  constructor(path) {
    this.path = resolve(path);
    this.name = basename(path, ".test.ts");
    const { outputFiles } = buildSync({
      stdin: {
        contents: `import ${JSON.stringify(this.path)}; export { tests } from "@jest/globals";`,
        resolveDir: ".",
      },
      alias: { "@jest/globals": GLOBALS },
      bundle: true,
      format: "cjs",
      // package.json says of the sources that importing has no effect; of tests it has.
      ignoreAnnotations: true,
      logLevel: "error",
      packages: "external",
      platform: "node",
      target: "es2022",
      write: false,
    });
    const [bundle] = outputFiles;
    this.#script = new Script(`(exports, module, require) => {${bundle?.text}\n}`, { filename: `${this.path}.bundle` });
  }

  /** The tests of the file; what it imports is executed. @returns {readonly Test[]} */
  load() {
    const module = { exports: /** @type {any} */ ({}) };
    this.#script.runInThisContext()(module.exports, module, require);
    return module.exports.tests.map((/** @type {Test} */ test) => ({ ...test, name: `${this.name} ${test.name}` }));
  }
}
