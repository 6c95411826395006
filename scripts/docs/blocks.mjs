import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../setup/project.mjs";

/** @typedef {{ page: string, line: number, code: string }} Block `line` is that of the opening fence, from 1 */

/** @returns {Block[]} every ```ts block of the README and the guides */
export function codeBlocks() {
  return pages().flatMap((page) =>
    [...blocks(readFileSync(join(projectFolder, page), "utf8"))].map((block) => ({ page, ...block })),
  );
}

/** @returns {string[]} paths of the Markdown pages, from the project's folder */
function pages() {
  const guides = readdirSync(join(projectFolder, "docs"), { recursive: true, encoding: "utf8" });
  const all = ["README.md", "examples/README.md", ...guides.sort().map((name) => `docs/${name}`)];
  return all.filter((page) => page.endsWith(".md") && existsSync(join(projectFolder, page)));
}

/**
 * @param {string} markdown
 * @returns {Iterable<{ line: number, code: string }>}
 */
function* blocks(markdown) {
  const lines = markdown.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const fence = /^(\s*)(`{3,})(\S*)/.exec(lines[index] ?? "");
    if (!fence) continue;
    const [, indent = "", ticks = "", language = ""] = fence;
    const start = index + 1;
    do index += 1;
    while (index < lines.length && lines[index]?.trim() !== ticks);
    const code = lines.slice(start, index).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    if (["ts", "typescript"].includes(language)) yield { line: start, code: code.join("\n") };
  }
}
