import { isOnPath } from "./command.mjs";

/** @typedef {{ program: string, softhsm: string, compiler: string }} PackageManager */

/** @type {readonly PackageManager[]} */
const packageManagers = [
  {
    program: "apt-get",
    softhsm: "sudo apt-get install softhsm2",
    compiler: "sudo apt-get install build-essential python3",
  },
  { program: "dnf", softhsm: "sudo dnf install softhsm", compiler: "sudo dnf install gcc-c++ make python3" },
  { program: "apk", softhsm: "apk add softhsm", compiler: "apk add build-base python3" },
  { program: "pacman", softhsm: "sudo pacman -S softhsm", compiler: "sudo pacman -S base-devel python" },
  { program: "zypper", softhsm: "sudo zypper install softhsm", compiler: "sudo zypper install gcc-c++ make python3" },
  { program: "brew", softhsm: "brew install softhsm", compiler: "xcode-select --install" },
];

/**
 * @param {"softhsm" | "compiler"} what
 * @returns {string} a sentence that says how it is installed on this kind of machine
 */
export function howToInstall(what) {
  const manager = packageManagers.find(({ program }) => isOnPath(program));
  return manager ? `To install: ${manager[what]}` : "Install it with this system's package manager.";
}
