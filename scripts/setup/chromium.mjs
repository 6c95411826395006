import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { aptInstall, aptUnpack, canInstall, hasApt } from "./apt.mjs";
import { howToInstall } from "./package-manager.mjs";
import { cacheFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";
import { linkToSiblings } from "./shared-library.mjs";

// Debian's package for tests: the browser itself, without windows.
const debianPackage = "chromium-headless-shell";
const ownFolder = join(cacheFolder, "chromium");
const unpacked = join(ownFolder, "usr/lib/chromium/chromium-headless-shell");

const names = [debianPackage, "chromium", "google-chrome-stable", "google-chrome"];
const applications = ["Google Chrome", "Chromium"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** @returns {string | undefined} the path of a Chromium: what CHROMIUM says, or the machine's own, or the unpacked one */
function chromium() {
  const named = process.env["CHROMIUM"];
  if (named) return existsSync(named) ? named : undefined;
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const installed = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...installed, ...applications, unpacked].find((path) => existsSync(path));
}

/**
 * Installs Chromium as root, or unpacks it into the project's own folder, unless it is there.
 *
 * @returns {string} its path
 */
export function prepareChromium() {
  const present = chromium();
  if (present) return present;
  const named = process.env["CHROMIUM"];
  if (named) throw new SetupError(`CHROMIUM is ${named}, and no such file is there.`);

  if (canInstall()) aptInstall([debianPackage]);
  else if (hasApt()) {
    // What the program reads from its own folder is in the second one.
    aptUnpack([debianPackage, "chromium-common"], ownFolder);
    if (existsSync(unpacked)) linkToSiblings(unpacked, ownFolder);
  }
  const path = chromium();
  if (path) return path;
  throw new SetupError(
    `Chromium is missing. ${howToInstall("chromium")}\n  Where it is in an unusual place, set CHROMIUM to the path of its program.`,
  );
}
