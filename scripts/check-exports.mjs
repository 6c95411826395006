// Compares the names that the built package exports with tests/package/exports.json, so that none comes or goes unnoticed.
// `--update` writes the file again.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { entryPoints } from "./entry-points.mjs";
import { projectFolder } from "./setup/project.mjs";

/** @typedef {{ values: string[], types: string[] }} Names */

const require = createRequire(import.meta.url);
const snapshotFile = join(projectFolder, "tests/package/exports.json");

/** @type {Record<string, Names>} */
const names = {};
for (const entry of entryPoints()) {
  const values = Object.keys(await import(pathToFileURL(entry.import.default).href)).sort();
  const declared = declaredNames(entry.import.types);
  expectSame(`${entry.name}: require()`, Object.keys(require(entry.require.default)).sort(), values);
  expectSame(`${entry.name}: the declarations`, declared.values, values);
  expectSame(`${entry.name}: the declarations for require()`, declaredNames(entry.require.types), declared);
  names[entry.name] = declared;
}

if (process.argv.includes("--update")) writeFileSync(snapshotFile, `${JSON.stringify(names, null, 2)}\n`);
/** @type {Record<string, Names>} */
const known = JSON.parse(readFileSync(snapshotFile, "utf8"));
for (const name of new Set([...Object.keys(known), ...Object.keys(names)])) expectSame(name, names[name], known[name]);
if (process.exitCode) console.error("Where that is meant: node scripts/check-exports.mjs --update");
else console.log("The exported names are those of tests/package/exports.json.");

/**
 * @param {string} file
 * @returns {Names}
 */
function declaredNames(file) {
  const program = ts.createProgram([file], { module: ts.ModuleKind.NodeNext, skipLibCheck: true, noLib: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  /** @type {Names} */
  const found = { values: [], types: [] };
  for (const symbol of module ? checker.getExportsOfModule(module) : []) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    found[target.flags & ts.SymbolFlags.Value ? "values" : "types"].push(symbol.name);
  }
  return { values: found.values.sort(), types: found.types.sort() };
}

/**
 * @param {string} what
 * @param {unknown} actual
 * @param {unknown} expected
 */
function expectSame(what, actual, expected) {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  console.error(
    `${what}: the exported names differ.\n  expected ${JSON.stringify(expected)}\n  found    ${JSON.stringify(actual)}`,
  );
  process.exitCode = 1;
}
