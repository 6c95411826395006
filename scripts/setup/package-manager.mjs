import { isOnPath } from "./command.mjs";

/** @typedef {{ program: string, softhsm: string, compiler: string, p11Kit: string, chromium: string }} PackageManager */

/** @type {readonly PackageManager[]} */
const packageManagers = [
  {
    program: "apt-get",
    softhsm: "sudo apt-get install softhsm2",
    compiler: "sudo apt-get install build-essential python3",
    p11Kit: "sudo apt-get install p11-kit p11-kit-modules",
    chromium: "sudo apt-get install chromium",
  },
  {
    program: "dnf",
    softhsm: "sudo dnf install softhsm",
    compiler: "sudo dnf install gcc-c++ make python3",
    p11Kit: "sudo dnf install p11-kit-server",
    chromium: "sudo dnf install chromium-headless",
  },
  {
    program: "apk",
    softhsm: "apk add softhsm",
    compiler: "apk add build-base python3",
    p11Kit: "apk add p11-kit-server",
    chromium: "apk add chromium",
  },
  {
    program: "pacman",
    softhsm: "sudo pacman -S softhsm",
    compiler: "sudo pacman -S base-devel python",
    p11Kit: "sudo pacman -S p11-kit",
    chromium: "sudo pacman -S chromium",
  },
  {
    program: "zypper",
    softhsm: "sudo zypper install softhsm",
    compiler: "sudo zypper install gcc-c++ make python3",
    p11Kit: "sudo zypper install p11-kit-server",
    chromium: "sudo zypper install chromium",
  },
  {
    program: "brew",
    softhsm: "brew install softhsm",
    compiler: "xcode-select --install",
    p11Kit: "brew install p11-kit",
    chromium: "brew install --cask chromium",
  },
];

/**
 * @param {"softhsm" | "compiler" | "p11Kit" | "chromium"} what
 * @returns {string} a sentence that says how it is installed on this kind of machine
 */
export function howToInstall(what) {
  const manager = packageManagers.find(({ program }) => isOnPath(program));
  return manager ? `To install: ${manager[what]}` : "Install it with this system's package manager.";
}
