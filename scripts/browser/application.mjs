import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { must } from "../consumers/application.mjs";
import { run } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

/**
 * Installs the packed library with the unmodified SDKs in a folder of its own, as an application would.
 *
 * @param {string} folder
 * @param {readonly string[]} packages what `npm install` is given
 */
export function install(folder, packages) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n");
  must(run("npm", ["install", "--ignore-scripts", ...packages], { cwd: folder }), `npm install ${packages.join(" ")}`);
  cpSync(join(projectFolder, "tests/package/browser"), join(folder, "source"), { recursive: true });
}

/**
 * Bundles one page, with the settings that esbuild has for browsers.
 *
 * @param {string} folder where the application was installed
 * @param {string} page of tests/package/browser
 * @returns {Promise<{ files: Map<string, Uint8Array>, packages: Set<string> }>} the scripts by name, `PAGE.js` and what that
 *   loads later; and the packages whose code got into them
 */
export async function bundle(folder, page) {
  const outdir = join(folder, "bundle");
  const { outputFiles, metafile } = await build({
    entryPoints: [join(folder, "source", `${page}.ts`)],
    absWorkingDir: folder,
    outdir,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const packages = inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const files = new Map(outputFiles.map(({ path, contents }) => [relative(outdir, path), contents]));
  return { files, packages: new Set(packages) };
}
