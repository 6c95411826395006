import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../scripts/setup/project.mjs";
import type { MeasuredSection } from "./section.ts";
import { markdownTable, type Row } from "./table.ts";

const file = join(projectFolder, "docs/benchmarks.md");

/**
 * Puts the tables between the markers `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of docs/benchmarks.md.
 *
 * @throws an Error where some sections only were measured, on another machine or with other versions than the rest of the page.
 */
export function writeToDocument(environment: readonly Row[], sections: readonly MeasuredSection[]): void {
  const page = readFileSync(file, "utf8");
  const about = markdownTable(environment);
  const names = [...page.matchAll(/<!-- bench:([\w-]+) -->/g)].map(([, name]) => name);
  const missing = names.filter((name) => name !== "environment" && !sections.some((section) => section.name === name));
  if (missing.length > 0 && between(page, "environment") !== about) {
    throw new Error(`the page is of another machine or other versions: measure ${missing.join(", ")} as well`);
  }
  const blocks = sections.map(({ name, tables }) => ({
    name,
    text: tables.map(({ caption, rows }) => `${caption}\n\n${markdownTable(rows)}`).join("\n\n"),
  }));
  const all = [{ name: "environment", text: about }, ...blocks];
  writeFileSync(
    file,
    all.reduce((text, block) => replaceBetween(text, block.name, block.text), page),
  );
}

/** What stands between a name's markers. */
function between(page: string, name: string): string {
  const [, text = ""] = page.match(markers(name)) ?? [];
  return text.trim();
}

function replaceBetween(page: string, name: string, text: string): string {
  if (!markers(name).test(page)) throw new Error(`docs/benchmarks.md has no markers for ${name}`);
  return page.replace(markers(name), () => `<!-- bench:${name} -->\n\n${text}\n\n<!-- /bench:${name} -->`);
}

function markers(name: string): RegExp {
  return new RegExp(`<!-- bench:${name} -->([^]*?)<!-- /bench:${name} -->`);
}
