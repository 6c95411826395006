// Builds the documentation's site: the guides of docs/ and the reference that typedoc makes of the source. It fails at a warning of
// typedoc (a public symbol without a docstring, a link to nowhere) and at a dead link between pages. Nothing is fetched but the
// packages of site/package.json.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./setup/command.mjs";
import { installOwnPackages } from "./setup/own-packages.mjs";
import { projectFolder } from "./setup/project.mjs";

const site = join(projectFolder, "site");
const pages = join(site, "pages");

installOwnPackages(site, "The site needs typedoc and VitePress.");
rmSync(pages, { recursive: true, force: true });
must("typedoc", []);
for (const page of markdownPages()) {
  const copy = join(pages, page === "README.md" ? "index.md" : page);
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, readFileSync(join(projectFolder, page), "utf8").replaceAll("](../README.md", "](../index.md"));
}
for (const name of readdirSync(join(projectFolder, "docs")).filter((each) => each.endsWith(".svg"))) {
  cpSync(join(projectFolder, "docs", name), join(pages, "docs", name));
}
must("vitepress", ["build", "."]);
console.log(`The site is in ${join(site, "dist")}.`);

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function must(program, args) {
  const { ok, output } = run(join(site, "node_modules/.bin", program), args, { cwd: site });
  if (ok) return;
  console.error(output);
  process.exit(1);
}

/** @returns {string[]} paths from the project's folder */
function markdownPages() {
  const guides = readdirSync(join(projectFolder, "docs")).map((name) => `docs/${name}`);
  const pagesOfRoot = ["README.md", "CHANGELOG.md", "SECURITY.md"];
  return [...pagesOfRoot, ...guides].filter((page) => page.endsWith(".md") && existsSync(join(projectFolder, page)));
}
