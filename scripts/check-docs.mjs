// Compiles every ```ts block of the README and the guides against the source, each as a module of its own.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeBlocks } from "./docs/blocks.mjs";
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
for (const { page, line, code } of codeBlocks()) {
  // The block stands on the same line as on its page, so that an error's line is the page's.
  const text = `${"\n".repeat(line)}${code}\nexport {};\n`;
  writeFileSync(join(folder, `${page.replaceAll("/", "~")}~${line}.ts`), text);
  count += 1;
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
