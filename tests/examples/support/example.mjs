import { cpSync } from "node:fs";
import { basename, join } from "node:path";
import { must } from "../../../scripts/consumers/application.mjs";
import { run } from "../../../scripts/setup/command.mjs";
import { projectFolder } from "../../../scripts/setup/project.mjs";

/** What a working copy has besides what a user copies. */
const MADE = ["node_modules", "cdk.out", "dist"];

/** An example in a folder of its own outside the checkout, as a user who copied it has it. */
export class Example {
  /**
   * @param {string} name of a folder of examples/
   * @param {string} parent an existing folder
   */
  constructor(name, parent) {
    this.name = name;
    this.source = join(projectFolder, "examples", name);
    this.folder = join(parent, name);
    cpSync(this.source, this.folder, { recursive: true, filter: (path) => !MADE.includes(basename(path)) });
  }

  /**
   * Installs what the lock file names, and the packed library in place of the published one.
   *
   * @param {string} tarball
   */
  install(tarball) {
    must(run("npm", ["install", "--no-save", tarball], { cwd: this.folder }), `npm install in ${this.name}`);
  }
}

/**
 * @param {string} folder where to
 * @returns {string} the tarball of the built library
 */
export function packLibrary(folder) {
  const packed = must(run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: projectFolder }), "npm pack");
  return join(folder, /"filename": "(.+)"/.exec(packed)?.[1] ?? "");
}
