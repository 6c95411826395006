import { existsSync } from "node:fs";
import { join } from "node:path";
import { aptInstall, aptUnpack, canInstall, hasApt } from "./apt.mjs";
import { howToInstall } from "./package-manager.mjs";
import { cacheFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";
import { linkToSiblings } from "./shared-library.mjs";

const ownFolder = join(cacheFolder, "softhsm");

/** Debian's names for kinds of machine. @type {Partial<Record<NodeJS.Architecture, string>>} */
const multiarch = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu", ppc64: "powerpc64le-linux-gnu" };

const systemFolders = [
  `/usr/lib/${multiarch[process.arch]}/softhsm`,
  "/usr/lib/softhsm",
  "/usr/lib64/softhsm",
  "/usr/lib64/pkcs11",
  "/usr/lib64",
  "/usr/local/lib/softhsm",
  "/opt/homebrew/lib/softhsm",
  "/home/linuxbrew/.linuxbrew/lib/softhsm",
];

/**
 * @returns {string | undefined} the path of SoftHSM2's PKCS#11 library: what SOFTHSM2_LIBRARY says, or the machine's own,
 *   or the one that the set-up unpacked
 */
export function softHsmLibrary() {
  const named = process.env["SOFTHSM2_LIBRARY"];
  if (named) return existsSync(named) ? named : undefined;
  const folders = [...systemFolders, ...systemFolders.map((folder) => join(ownFolder, folder))];
  return folders.map((folder) => join(folder, "libsofthsm2.so")).find((path) => existsSync(path));
}

/** Installs SoftHSM2 as root, or unpacks it into the project's own folder, unless it is there. */
export function prepareSoftHsm() {
  if (softHsmLibrary()) return;
  const named = process.env["SOFTHSM2_LIBRARY"];
  if (named) throw new SetupError(`SOFTHSM2_LIBRARY is ${named}, and no such file is there.`);

  if (canInstall()) aptInstall(["softhsm2"]);
  else if (hasApt()) unpack();
  if (!softHsmLibrary()) {
    throw new SetupError(
      `SoftHSM2 is missing. ${howToInstall("softhsm")}\n  Where it is in an unusual place, set SOFTHSM2_LIBRARY to the path of libsofthsm2.so.`,
    );
  }
}

function unpack() {
  try {
    aptUnpack(["libsofthsm2", "softhsm2"], ownFolder);
    const library = softHsmLibrary();
    if (library) linkToSiblings(library, ownFolder);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError(`${error.message}\n  SoftHSM2 is needed. ${howToInstall("softhsm")}`);
  }
}
