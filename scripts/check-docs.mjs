// Compiles every ```ts block of the README and the guides against the source, each as a module of its own.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./setup/command.mjs";
import { cacheFolder, projectFolder } from "./setup/project.mjs";

const folder = join(cacheFolder, "docs");
const tsc = join(projectFolder, "node_modules/typescript/bin/tsc");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "tsconfig.json"),
  // What a block declares for the reader need not be used in it.
  JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: { noUnusedLocals: false }, include: ["*.ts"] }),
);

let count = 0;
for (const page of pages()) {
  for (const { line, code } of blocks(readFileSync(join(projectFolder, page), "utf8"))) {
    // The block stands on the same line as on its page, so that an error's line is the page's.
    const text = `${"\n".repeat(line)}${code}\nexport {};\n`;
    writeFileSync(join(folder, `${page.replaceAll("/", "~")}~${line}.ts`), text);
    count += 1;
  }
}
if (count === 0) {
  console.error("No ```ts block was found in README.md and docs.");
  process.exit(1);
}

const { ok, output } = run(process.execPath, [tsc, "--pretty", "false", "-p", folder], { cwd: folder });
if (output)
  console.error(
    output.replace(
      /^(\S+)~\d+\.ts\((\d+),(\d+)\)/gm,
      (_, page, line, column) => `${page.replaceAll("~", "/")}:${line}:${column}`,
    ),
  );
if (ok) console.log(`${count} code blocks of the documentation compile.`);
else process.exitCode = 1;

/** @returns {string[]} paths of the Markdown pages, from the project's folder */
function pages() {
  const guides = readdirSync(join(projectFolder, "docs"), { recursive: true, encoding: "utf8" });
  const all = ["README.md", ...guides.sort().map((name) => `docs/${name}`)];
  return all.filter((page) => page.endsWith(".md") && existsSync(join(projectFolder, page)));
}

/**
 * @param {string} markdown
 * @returns {Iterable<{ line: number, code: string }>} `line` is the number of the opening fence's line, from 1
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
