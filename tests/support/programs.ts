import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const PROGRAMS = {
  main: "src/cli/main.ts",
  "pkcs11/isolation/index": "src/pkcs11/isolation/index.ts",
  "nonces/worker": "tests/nonces/programs/worker.ts",
};
// Inside of the project, so that its packages are found.
const CACHE = resolve(".cache");
// Of scripts/coverage.mjs: the same programs, which count what of them runs.
const counting = process.env["ETHERS_HSM_COVERAGE"];
const folder = join(CACHE, "programs");

/** The command `ethers-hsm`, bundled from the source. */
export const COMMAND = join(counting === undefined ? folder : join(counting, "bundle"), "main.js");
/** A process that sends from an account which others send from too: tests/nonces/programs/worker.ts. */
export const NONCES_WORKER = join(folder, "nonces/worker.js");

/**
 * Bundles what the tests start as processes: as the package would carry them, the command, and the child of isolated PKCS#11
 * libraries, which jest.config.mjs resolves to its bundle; and programs of tests that start many. Other runs in this checkout may do so
 * at the same time.
 */
export function bundlePrograms(): void {
  mkdirSync(CACHE, { recursive: true });
  const made = mkdtempSync(join(CACHE, "programs-"));
  const entries = Object.entries(PROGRAMS).map(([name, source]) => `${name}=${source}`);
  const options = ["--bundle", "--packages=external", "--platform=node", "--format=esm", "--target=es2022"];
  // Its program, not its module, which does not run under jest.
  execFileSync(resolve("node_modules/.bin/esbuild"), [...entries, ...options, `--outdir=${made}`, "--log-level=error"]);
  // The command finds the child by the package's name.
  const { name, version, type } = JSON.parse(readFileSync("package.json", "utf8"));
  const exports = { "./pkcs11/isolation": "./pkcs11/isolation/index.js", "./package.json": "./package.json" };
  writeFileSync(join(made, "package.json"), JSON.stringify({ name, version, type, exports }));
  mkdirSync(folder, { recursive: true });
  renameSync(join(made, "package.json"), join(folder, "package.json"));
  for (const name of Object.keys(PROGRAMS)) {
    const file = join(folder, `${name}.js`);
    mkdirSync(dirname(file), { recursive: true });
    renameSync(join(made, `${name}.js`), file);
  }
  rmSync(made, { recursive: true });
}
