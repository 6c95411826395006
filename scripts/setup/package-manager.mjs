import { isOnPath } from "./command.mjs";

/** @typedef {{ program: string, softhsm: string, compiler: string, p11Kit: string, chromium: string, postgres: string, redis: string }} PackageManager */

/** @type {readonly PackageManager[]} */
const packageManagers = [
  {
    program: "apt-get",
    softhsm: "sudo apt-get install softhsm2",
    compiler: "sudo apt-get install build-essential python3",
    p11Kit: "sudo apt-get install p11-kit p11-kit-modules",
    chromium: "sudo apt-get install chromium",
    postgres: "sudo apt-get install postgresql",
    redis: "sudo apt-get install redis-server",
  },
  {
    program: "dnf",
    softhsm: "sudo dnf install softhsm",
    compiler: "sudo dnf install gcc-c++ make python3",
    p11Kit: "sudo dnf install p11-kit-server",
    chromium: "sudo dnf install chromium-headless",
    postgres: "sudo dnf install postgresql-server",
    redis: "sudo dnf install valkey",
  },
  {
    program: "apk",
    softhsm: "apk add softhsm",
    compiler: "apk add build-base python3",
    p11Kit: "apk add p11-kit-server",
    chromium: "apk add chromium",
    postgres: "apk add postgresql",
    redis: "apk add redis",
  },
  {
    program: "pacman",
    softhsm: "sudo pacman -S softhsm",
    compiler: "sudo pacman -S base-devel python",
    p11Kit: "sudo pacman -S p11-kit",
    chromium: "sudo pacman -S chromium",
    postgres: "sudo pacman -S postgresql",
    redis: "sudo pacman -S valkey",
  },
  {
    program: "zypper",
    softhsm: "sudo zypper install softhsm",
    compiler: "sudo zypper install gcc-c++ make python3",
    p11Kit: "sudo zypper install p11-kit-server",
    chromium: "sudo zypper install chromium",
    postgres: "sudo zypper install postgresql-server",
    redis: "sudo zypper install redis",
  },
  {
    program: "brew",
    softhsm: "brew install softhsm",
    compiler: "xcode-select --install",
    p11Kit: "brew install p11-kit",
    chromium: "brew install --cask chromium",
    postgres: "brew install postgresql",
    redis: "brew install redis",
  },
];

/**
 * @param {"softhsm" | "compiler" | "p11Kit" | "chromium" | "postgres" | "redis"} what
 * @returns {string} a sentence that says how it is installed on this kind of machine
 */
export function howToInstall(what) {
  const manager = packageManagers.find(({ program }) => isOnPath(program));
  return manager ? `To install: ${manager[what]}` : "Install it with this system's package manager.";
}
