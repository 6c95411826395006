import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isOnPath, run, tail } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";

export const hasApt = () => isOnPath("apt-get") && isOnPath("dpkg");

/** Whether packages can be installed for the whole machine. */
export const canInstall = () => hasApt() && process.getuid?.() === 0;

/**
 * Installs packages for the whole machine. The package lists are refreshed only where the present ones do not do.
 *
 * @param {readonly string[]} packages
 */
export function aptInstall(packages) {
  const install = () =>
    run("apt-get", ["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", ...packages], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });

  console.log(`setup: installing ${packages.join(", ")} with apt-get`);
  if (install().ok) return;
  console.log("setup: refreshing apt's package lists");
  // One source out of reach makes the update fail, while the others may do.
  run("apt-get", ["update"]);
  const second = install();
  if (!second.ok) throw new SetupError(`apt-get could not install ${packages.join(", ")}:\n${tail(second.output)}`);
}

/**
 * Unpacks packages, and what they need that the machine lacks, into a folder of the project's own. Needs no root.
 *
 * @param {readonly string[]} packages
 * @param {string} folder is replaced as a whole, when everything has been unpacked
 */
export function aptUnpack(packages, folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const workFolder = mkdtempSync(`${folder}-`);
  try {
    const unpacked = join(workFolder, "unpacked");
    const debs = download(packages, workFolder);
    for (const deb of readdirSync(debs)) {
      const { ok, output } = run("dpkg", ["-x", join(debs, deb), unpacked]);
      if (!ok) throw new SetupError(`dpkg could not unpack ${deb}:\n${tail(output)}`);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} packages
 * @param {string} workFolder
 * @returns {string} the folder where the .deb files are
 */
function download(packages, workFolder) {
  const debs = join(workFolder, "debs");
  console.log(`setup: downloading ${packages.join(", ")} with apt-get`);
  if (tryDownload(packages, debs, []).ok) return debs;

  // The machine's lists may be empty or old, and only root can refresh those.
  console.log("setup: fetching package lists, since the machine's own do not do");
  const lists = join(workFolder, "lists");
  const cache = join(workFolder, "cache");
  for (const each of [lists, cache]) mkdirSync(join(each, "partial"), { recursive: true });
  const options = ["-o", `Dir::State::lists=${lists}`, "-o", `Dir::Cache=${cache}`];
  run("apt-get", [...options, "update"]);
  const second = tryDownload(packages, debs, options);
  if (!second.ok) throw new SetupError(`apt-get could not download ${packages.join(", ")}:\n${tail(second.output)}`);
  return debs;
}

/**
 * @param {readonly string[]} packages
 * @param {string} folder
 * @param {readonly string[]} options
 */
function tryDownload(packages, folder, options) {
  const plan = run("apt-get", [...options, "--simulate", "--no-install-recommends", "install", ...packages]);
  if (!plan.ok) return plan;
  const names = new Set(packages);
  for (const [, name] of plan.output.matchAll(/^Inst (\S+)/gm)) if (name) names.add(name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return run("apt-get", [...options, "download", ...names], { cwd: folder });
}
