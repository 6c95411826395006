// Builds the documentation's site: the guides, the examples' pages, and the reference that typedoc makes of the source. It fails at a
// warning of typedoc (a public symbol without a docstring, a link to nowhere) and at a dead link between pages. Nothing is fetched
// but the packages of site/package.json.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { checkLayout } from "./docs/layout.mjs";
import { run } from "./setup/command.mjs";
import { installOwnPackages } from "./setup/own-packages.mjs";
import { projectFolder } from "./setup/project.mjs";

const site = join(projectFolder, "site");
const copies = join(site, "pages");
const pages = ["README.md", "CHANGELOG.md", "SECURITY.md", ...files("docs", ".md"), ...examples()];

installOwnPackages(site, "The site needs typedoc and VitePress.");
rmSync(copies, { recursive: true, force: true });
must("typedoc", entryPoints());
for (const page of pages) {
  const copy = join(copies, page === "README.md" ? "index.md" : page);
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, forSite(page, readFileSync(join(projectFolder, page), "utf8")));
}
for (const picture of [".svg", ".png"].flatMap((ending) => files("docs", ending))) {
  cpSync(join(projectFolder, picture), join(copies, picture));
}
must("vitepress", ["build", "."]);
await checkLayout(join(site, "dist"), ["/", ...pages.filter((page) => page !== "README.md").map(urlOf)]);
console.log(`The site is in ${join(site, "dist")}: ${pages.length} pages and the reference.`);

/**
 * Of each export of package.json that is code, the source: typedoc.json cannot forget one.
 *
 * @returns {string[]} typedoc's arguments
 */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  const names = Object.keys(exports).filter((name) => exports[name].import);
  return names.flatMap((name) => ["--entryPoints", join(projectFolder, "src", name, "index.ts")]);
}

/**
 * Links to other pages stay. Those to files of the repository, which a site does not have, become their text; what leads nowhere at
 * all is left for VitePress to refuse.
 *
 * @param {string} page
 * @param {string} markdown
 */
function forSite(page, markdown) {
  return markdown.replace(/(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)/g, (link, text, path, hash = "") => {
    const target = posix.join(posix.dirname(page), path);
    const found = [target, posix.join(target, "README.md")].find((each) => pages.includes(each));
    if (found === undefined) return existsSync(join(projectFolder, target)) ? text : link;
    return `[${text}](/${found === "README.md" ? "" : found}${hash})`;
  });
}

/**
 * @param {string} folder
 * @param {string} ending
 * @returns {string[]} paths from the project's folder
 */
function files(folder, ending) {
  const names = readdirSync(join(projectFolder, folder)).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => `${folder}/${name}`);
}

/** @returns {string[]} the pages of the examples, of all and of each that has one */
function examples() {
  const folders = readdirSync(join(projectFolder, "examples")).sort();
  const candidates = ["examples/README.md", ...folders.map((name) => `examples/${name}/README.md`)];
  return candidates.filter((page) => existsSync(join(projectFolder, page)));
}

/** @param {string} page @returns {string} its path on the site */
function urlOf(page) {
  return `/${page.replace(/\.md$/, "")}`;
}

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
