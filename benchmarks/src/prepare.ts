import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "../../scripts/setup/command.mjs";
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
  if (publishedSigners && !isInstalled()) {
    console.log("bench: installing the published signers that benchmarks/package.json names");
    const advice = "Without the registry, the other sections can be run by their names: --only signing --only pkcs11.";
    npm(["ci"], benchmarksFolder, advice);
  }
  linkLibrary();
  if (!isBuilt()) {
    console.log("bench: building the library, which is older than its source or not there");
    npm(["run", "build"], projectFolder, "The benchmark measures the built package.");
  }
}

/** Whether npm put there what the lock file names: it keeps a copy of it in node_modules. */
function isInstalled(): boolean {
  const installed = join(modules, ".package-lock.json");
  if (!existsSync(installed)) return false;
  const { "": _, ...wanted } = packagesIn(join(benchmarksFolder, "package-lock.json"));
  const found = packagesIn(installed);
  return Object.entries(wanted).every(([path, { version }]) => found[path]?.version === version);
}

function packagesIn(lockFile: string): Record<string, { readonly version?: string }> {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
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

function npm(args: readonly string[], cwd: string, advice: string): void {
  const { ok, output } = run("npm", args, { cwd });
  if (!ok) throw new SetupError(`npm ${args.join(" ")} failed in ${cwd}:\n${tail(output)}\n  ${advice}`);
}
