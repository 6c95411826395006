import { cpSync } from "node:fs";
import { delimiter, join } from "node:path";
import { nodes } from "../../../scripts/consumers/nodes.mjs";
import { entryPoints } from "../../../scripts/entry-points.mjs";
import { aptInstall, aptUnpack, canInstall, hasApt } from "../../../scripts/setup/apt.mjs";
import { isOnPath } from "../../../scripts/setup/command.mjs";
import { cacheFolder, projectFolder } from "../../../scripts/setup/project.mjs";
import { SetupError } from "../../../scripts/setup/setup-error.mjs";
import setUp from "../../support/global-setup.ts";
import { Example, packLibrary } from "./example.mjs";

/** Each with the others that its suite needs: the CDK reads the cluster's template. */
const NEEDS = { "aws-cdk-lambda": [], azure: [], "aws-cloudhsm": ["aws-cdk-lambda"] } as const;

/**
 * Copies the examples that the run is for into the folder that its end removes, and installs each with the packed library and
 * nothing else of this checkout.
 */
export default function setUpExamples({ nonFlagArgs }: { readonly nonFlagArgs: readonly string[] }): void {
  entryPoints();
  setUp();
  prepareShellCheck();
  const folder = process.env["ETHERS_HSM_TEST_FOLDER"] ?? "";
  const tarball = packLibrary(folder);
  for (const name of wanted(nonFlagArgs)) {
    const example = new Example(name, folder);
    example.install(tarball);
    if (name !== "aws-cloudhsm") continue;
    // Compiled by the set-up: an install script of npm's would need Node's headers from the network.
    const build = "node_modules/pkcs11js/build";
    cpSync(join(projectFolder, build), join(example.folder, build), { recursive: true });
  }
  const [, node22, node24] = nodes();
  process.env["ETHERS_HSM_NODE_22"] = node22;
  process.env["ETHERS_HSM_NODE_24"] = node24;
}

/** @param patterns those of the suites that are to run; none is all. */
function wanted(patterns: readonly string[]): Set<string> {
  const chosen = Object.entries(NEEDS).filter(([name]) => {
    return patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
  });
  return new Set(chosen.flatMap(([name, others]) => [name, ...others]));
}

/** Installs ShellCheck as root, or unpacks it into the project's own folder and puts that on the PATH, unless it is there. */
function prepareShellCheck(): void {
  if (isOnPath("shellcheck")) return;
  const folder = join(cacheFolder, "shellcheck");
  process.env["PATH"] = `${process.env["PATH"]}${delimiter}${join(folder, "usr/bin")}`;
  if (isOnPath("shellcheck")) return;
  if (canInstall()) aptInstall(["shellcheck"]);
  else if (hasApt()) aptUnpack(["shellcheck"], folder);
  if (!isOnPath("shellcheck")) throw new SetupError("ShellCheck is missing: install the package shellcheck");
}
