// What the processes that tests start run of src: the command line, and the hosts of isolated PKCS#11 libraries.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { instrument } from "./instrument.mjs";

/** @typedef {Record<string, import("istanbul-lib-coverage").FileCoverageData>} Coverage */

/**
 * Bundles the programs as tests/support/programs.ts does, instrumented, into `folder`/bundle. Their processes write what they
 * count into `folder`/counts.
 *
 * @param {string} folder inside of the project, so that its packages are found
 * @returns {Promise<Coverage>} what is counted: nothing has run yet.
 */
export async function bundleCounting(folder) {
  /** @type {Coverage} */
  const counted = {};
  const counts = join(folder, "counts");
  mkdirSync(counts);
  await build({
    entryPoints: { main: "src/cli/main.ts", "pkcs11/isolation/index": "src/pkcs11/isolation/index.ts" },
    outdir: join(folder, "bundle"),
    ...{ bundle: true, packages: "external", platform: "node", format: "esm", splitting: true, target: "es2022" },
    banner: { js: `import ${JSON.stringify(`${import.meta.resolve("./report.mjs")}?${encodeURIComponent(counts)}`)};` },
    plugins: [
      {
        name: "count",
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const source = await readFile(path, "utf8");
            const contents = instrument(source, path, (_name, file) => {
              counted[path] = file;
            });
            return { contents, loader: "ts" };
          }),
      },
    ],
  });
  // The command finds the child by the package's name.
  const { name, version, type } = JSON.parse(await readFile("package.json", "utf8"));
  const exports = { "./pkcs11/isolation": "./pkcs11/isolation/index.js", "./package.json": "./package.json" };
  writeFileSync(join(folder, "bundle/package.json"), JSON.stringify({ name, version, type, exports }));
  return counted;
}

/**
 * What the processes of the bundle in `folder` have run.
 *
 * @param {string} folder
 * @param {Coverage} counted
 * @returns {Coverage[]}
 */
export function countsOf(folder, counted) {
  const counts = resolve(folder, "counts");
  return readdirSync(counts)
    .filter((name) => name.endsWith(".json"))
    .map((name) => {
      /** @type {Record<string, Pick<Coverage[string], "s" | "f" | "b">>} */
      const files = JSON.parse(readFileSync(join(counts, name), "utf8"));
      return Object.fromEntries(
        Object.entries(files).map(([path, file]) => [
          path,
          /** @type {Coverage[string]} */ ({ ...counted[path], ...file }),
        ]),
      );
    });
}
