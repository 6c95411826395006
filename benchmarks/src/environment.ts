import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../../scripts/setup/project.mjs";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { benchmarksFolder } from "./settings.ts";
import { softHsmVersion } from "./soft-hsm-version.ts";
import type { Row } from "./table.ts";

const PACKAGES = ["ethers", "@noble/curves", "@aws-sdk/client-kms", "@azure/keyvault-keys", "pkcs11js", "viem"];

/** The machine and the versions of everything that is measured. */
export function environment(): readonly Row[] {
  const [cpu] = cpus();
  const library = softHsmLibrary();
  return [
    { What: "Processor", Value: `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}` },
    { What: "Memory", Value: `${Math.round(totalmem() / 2 ** 30)} GiB` },
    { What: "System", Value: `${type()} ${release()}, ${arch()}` },
    { What: "Node", Value: process.version },
    { What: "ethers-hsm", Value: versionIn(join(projectFolder, "package.json")) },
    ...PACKAGES.map((name) => ({ What: name, Value: installedVersion(name, projectFolder) })),
    { What: "SoftHSM2", Value: library === undefined ? "missing" : softHsmVersion(library) },
    ...publishedPackages().map((name) => ({ What: name, Value: installedVersion(name, benchmarksFolder) })),
  ];
}

/** The packages of benchmarks/package.json. */
function publishedPackages(): readonly string[] {
  const { dependencies } = JSON.parse(readFileSync(join(benchmarksFolder, "package.json"), "utf8"));
  return Object.keys(dependencies);
}

function installedVersion(name: string, folder: string): string {
  // Not by resolving its package.json: most packages do not export it.
  for (const modules of createRequire(join(folder, "package.json")).resolve.paths(name) ?? []) {
    try {
      return versionIn(join(modules, name, "package.json"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "not installed";
}

function versionIn(file: string): string {
  return JSON.parse(readFileSync(file, "utf8")).version;
}
