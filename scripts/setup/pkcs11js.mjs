import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { aptInstall, canInstall } from "./apt.mjs";
import { isOnPath, run, tail } from "./command.mjs";
import { howToInstall } from "./package-manager.mjs";
import { projectFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";

/** Compiles the installed pkcs11js for the running Node, unless it loads as it is. */
export function preparePkcs11js() {
  if (loads()) return;
  if (!existsSync(join(projectFolder, "node_modules/pkcs11js/package.json"))) {
    throw new SetupError("pkcs11js is not installed. Run `npm ci` first.");
  }
  prepareCompiler();

  console.log(`setup: compiling pkcs11js for Node ${process.version}, which takes half a minute`);
  const headers = headersFolder();
  const { ok, output } = run("npm", ["rebuild", "pkcs11js", "--ignore-scripts=false", "--foreground-scripts"], {
    cwd: projectFolder,
    env: headers === undefined ? {} : { npm_config_nodedir: headers },
  });
  if (ok && loads()) return;
  const advice = headers
    ? ""
    : `\n  Node's headers are not beside ${process.execPath}, so they had to be downloaded. Where that is not possible, use a Node that came with its headers, or set npm_config_nodedir to a folder that has include/node.`;
  throw new SetupError(`pkcs11js could not be compiled:\n${tail(output)}${advice}`);
}

/** A process of its own tells, since an addon for another Node or machine may do worse than throw. */
function loads() {
  return run(process.execPath, ["-e", 'require("pkcs11js")'], { cwd: projectFolder }).ok;
}

function prepareCompiler() {
  const hasCompiler = () => isOnPath("python3") && isOnPath("make") && (isOnPath("g++") || isOnPath("c++"));
  if (hasCompiler()) return;
  if (canInstall()) aptInstall(["build-essential", "python3"]);
  if (hasCompiler()) return;
  throw new SetupError(
    `pkcs11js is compiled on this machine, which needs python3, make and a C++ compiler.\n  ${howToInstall("compiler")}`,
  );
}

/**
 * @returns {string | undefined} the folder whose include/node holds this very Node's headers, which makes a download
 *   unnecessary
 */
function headersFolder() {
  const folder = dirname(dirname(process.execPath));
  const header = join(folder, "include/node/node_version.h");
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, "utf8");
  const version = ["MAJOR", "MINOR", "PATCH"].map((part) => text.match(`#define NODE_${part}_VERSION (\\d+)`)?.[1]);
  return `v${version.join(".")}` === process.version ? folder : undefined;
}
