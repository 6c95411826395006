import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

/** @typedef {import("./application.mjs").Application} Application */

/**
 * Bundles a function for Lambda and a page by esbuild and by webpack, and runs the bundles outside the application.
 *
 * @param {Application} application which has webpack
 * @param {Record<string, string>} env
 * @returns {Iterable<import("./application.mjs").Result>}
 */
export function* bundles(application, env) {
  const out = join(application.folder, "..", "bundles");
  mkdirSync(out);
  for (const name of ["lambda", "browser"]) {
    application.add(`${name}.mjs`);
    for (const [bundler, bundle] of /** @type {const} */ ([
      ["esbuild", byEsbuild],
      ["webpack", byWebpack],
    ])) {
      const file = join(out, `${bundler}-${name}.cjs`);
      const { ok, output } = bundle(application, name, file);
      yield { what: `${bundler} bundles for ${name === "lambda" ? "Lambda" : "the browser"}`, ok, output };
      yield application.run(`the bundle of ${bundler} runs: ${name}`, process.execPath, [file], env, "..");
    }
  }
}

/**
 * A page has no use for Google's default credentials, which need Node. Elsewhere the bundler is told as docs and README tell it.
 *
 * @param {Application} application
 * @param {string} name
 * @param {string} file
 */
function byEsbuild({ folder }, name, file) {
  const target = name === "lambda" ? ["node", "pkcs11js"] : ["browser", "google-auth-library"];
  const [platform, external] = target;
  const args = ["--bundle", `--platform=${platform}`, `--external:${external}`, `--outfile=${file}`];
  const esbuild = join(projectFolder, "node_modules/.bin/esbuild");
  return run(esbuild, [`${name}.mjs`, ...args, "--log-level=warning"], { cwd: folder });
}

/**
 * By webpack's interface, since its command line is a package of its own. ethers' WebSockets look for two optional packages.
 *
 * @param {Application} application
 * @param {string} name
 * @param {string} file
 */
function byWebpack({ folder }, name, file) {
  const program = `
    const { dirname, basename } = require("node:path");
    const [file, name] = process.argv.slice(1);
    const lambda = { target: "node20", externals: { pkcs11js: "commonjs pkcs11js" } };
    const browser = { target: ["web", "es2022"], resolve: { alias: { "google-auth-library": false } } };
    require("webpack")({
      ...(name === "lambda" ? lambda : browser), mode: "production", devtool: false, context: process.cwd(), entry: "./" + name + ".mjs",
      performance: { hints: false }, optimization: { minimize: false }, ignoreWarnings: [{ module: /node_modules.ws.lib/ }],
      output: { path: dirname(file), filename: basename(file), asyncChunks: false },
    }, (error, stats) => {
      if (!error && !stats.hasErrors() && !stats.hasWarnings()) return;
      console.error(String(error ?? stats.toString({ all: false, errors: true, warnings: true })));
      process.exitCode = 1;
    });`;
  return run(process.execPath, ["-e", program, file, name], { cwd: folder });
}
