import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "../../scripts/setup/command.mjs";
import { installOwnPackages } from "../../scripts/setup/own-packages.mjs";
import { projectFolder } from "../../scripts/setup/project.mjs";
import { SetupError } from "../../scripts/setup/setup-error.mjs";
import { benchmarksFolder } from "./settings.ts";

const modules = join(benchmarksFolder, "node_modules");

/**
 * Builds the library, and installs the published signers where they are wanted, each only where that is needed.
 *
 * @throws SetupError with what to do.
 */
export function prepare({ publishedSigners }: { readonly publishedSigners: boolean }): void {
  if (publishedSigners) {
    console.log("bench: the published signers that benchmarks/package.json names are installed where they are missing");
    const advice = "Without the registry, the other sections can be run by their names: --only signing --only pkcs11.";
    installOwnPackages(benchmarksFolder, advice);
  }
  linkLibrary();
  if (!isBuilt()) {
    console.log("bench: building the library, which is older than its source or not there");
    const { ok, output } = run("npm", ["run", "build"], { cwd: projectFolder });
    if (!ok)
      throw new SetupError(`npm run build failed:\n${tail(output)}\n  The benchmark measures the built package.`);
  }
}

/**
 * Lets `import "ethers-hsm"` find the built package from here, through its own `exports`. benchmarks/package.json hides the
 * library's own name from Node, and a dependency on `file:..` would put all of the library's dependencies into the lock file.
 */
function linkLibrary(): void {
  const link = join(modules, "ethers-hsm");
  mkdirSync(modules, { recursive: true });
  if (existsSync(link)) unlinkSync(link);
  symlinkSync(projectFolder, link, "junction");
}

function isBuilt(): boolean {
  const built = ["index.js", "index.cjs", "index.d.ts"].map((name) => join(projectFolder, "dist", name));
  if (!built.every((file) => existsSync(file))) return false;
  const oldest = Math.min(...built.map((file) => statSync(file).mtimeMs));
  return sources().every((file) => statSync(file).mtimeMs <= oldest);
}

function sources(): string[] {
  const folder = join(projectFolder, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return [...files.map((name) => join(folder, name)), join(projectFolder, "tsup.config.ts")];
}
