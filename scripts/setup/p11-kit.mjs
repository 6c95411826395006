import { existsSync } from "node:fs";
import { join } from "node:path";
import { aptInstall, aptUnpack, canInstall, hasApt } from "./apt.mjs";
import { howToInstall } from "./package-manager.mjs";
import { cacheFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";
import { linkToSiblings } from "./shared-library.mjs";

const ownFolder = join(cacheFolder, "p11-kit");

/** Debian's names for kinds of machine. @type {Partial<Record<NodeJS.Architecture, string>>} */
const multiarch = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu", ppc64: "powerpc64le-linux-gnu" };

const servers = ["/usr/libexec", "/usr/lib", "/opt/homebrew/opt/p11-kit/libexec", "/usr/local/opt/p11-kit/libexec"].map(
  (folder) => `${folder}/p11-kit/p11-kit-server`,
);
const clients = [
  `/usr/lib/${multiarch[process.arch]}`,
  "/usr/lib64",
  "/usr/lib",
  "/opt/homebrew/lib",
  "/usr/local/lib",
].map((folder) => `${folder}/pkcs11/p11-kit-client.so`);

/** @returns {string | undefined} the path of the server, which lends a token to other processes through a socket */
export const p11KitServer = () => find(servers);

/** @returns {string | undefined} the path of the PKCS#11 library that is such a server's client */
export const p11KitClient = () => find(clients);

/** Installs p11-kit as root, or unpacks it into the project's own folder, unless it is there. */
export function prepareP11Kit() {
  if (isThere()) return;
  const packages = ["p11-kit", "p11-kit-modules"];
  if (canInstall()) aptInstall(packages);
  else if (hasApt()) {
    aptUnpack(packages, ownFolder);
    for (const each of [p11KitServer(), p11KitClient()]) if (each) linkToSiblings(each, ownFolder);
  }
  if (!isThere()) {
    throw new SetupError(`p11-kit's server and client are missing. ${howToInstall("p11Kit")}`);
  }
}

const isThere = () => p11KitServer() !== undefined && p11KitClient() !== undefined;

/** @param {readonly string[]} paths */
function find(paths) {
  return [...paths, ...paths.map((path) => join(ownFolder, path))].find((path) => existsSync(path));
}
