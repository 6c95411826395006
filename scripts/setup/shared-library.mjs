import { readdirSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { aptUnpack } from "./apt.mjs";
import { run, tail } from "./command.mjs";
import { cacheFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * Lets an unpacked library or program find the libraries that it needs and that the machine lacks, where they were unpacked beside it.
 *
 * @param {string} library
 * @param {string} folder where everything was unpacked
 */
export function linkToSiblings(library, folder) {
  const missing = missingLibraries(library);
  if (missing.length === 0) return;

  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(({ name }) =>
    missing.includes(name),
  );
  const folders = new Set(found.map(({ parentPath }) => `$ORIGIN/${relative(dirname(library), parentPath)}`));
  const tools = join(cacheFolder, "patchelf");
  aptUnpack(["patchelf"], tools);
  // Unlike a RUNPATH, an RPATH also serves the libraries that those libraries need.
  const paths = ["--force-rpath", "--set-rpath", [...folders].join(":")];
  const patched = run(join(tools, "usr/bin/patchelf"), [...paths, library]);
  const still = missingLibraries(library);
  if (still.length > 0) {
    throw new SetupError(
      `${basename(library)} needs ${still.join(", ")}, which this machine lacks.\n${tail(patched.output)}`,
    );
  }
}

/** @param {string} library */
function missingLibraries(library) {
  const { output } = run("ldd", [library]);
  return [...output.matchAll(/^\s*(\S+) => not found$/gm)].flatMap(([, name]) => name ?? []);
}
