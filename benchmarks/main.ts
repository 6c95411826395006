// Measures the built package beside what it stands next to: ethers' Wallet, the vendors' SDKs, the PKCS#11 module and the
// published signers. docs/benchmarks.md says what the figures mean.
//
//   npm run bench -- [--quick] [--million] [--only NAME]... [--json FILE] [--plot FILE] [--write]

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SetupError } from "../scripts/setup/setup-error.mjs";
import { writeToDocument } from "./src/document.ts";
import { environment } from "./src/environment.ts";
import { parseOptions } from "./src/options.ts";
import { prepare } from "./src/prepare.ts";
import type { MeasuredSection } from "./src/section.ts";
import { isolateFromMachine, PUBLISHED_SIGNERS } from "./src/settings.ts";
import { markdownTable } from "./src/table.ts";

const options = parseOptions();
isolateFromMachine();
try {
  prepare({ publishedSigners: options.only.length === 0 || options.only.includes(PUBLISHED_SIGNERS) });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exit(1);
}
if (!import.meta.resolve("ethers-hsm").endsWith("/dist/index.js")) {
  throw new Error("the source would be measured instead of the built package: start it by `npm run bench`");
}
// Not before the package was built: they import it.
const { chosenSections } = await import("./src/sections.ts");
const chosen = chosenSections(options.only);

const about = environment();
console.log(`\n${markdownTable(about)}\n`);
const measured: MeasuredSection[] = [];
for (const section of chosen) {
  const started = performance.now();
  console.log(`\n## ${section.title}\n`);
  try {
    const tables = await section.run(options);
    measured.push({ name: section.name, title: section.title, tables });
    for (const { caption, rows } of tables) console.log(`${caption}\n\n${markdownTable(rows)}\n`);
  } catch (error) {
    // What the others took a quarter of an hour to measure is not thrown away.
    console.error(`bench: ${section.name} failed:`, error);
    process.exitCode = 1;
  }
  console.log(`(${section.name}: ${Math.round((performance.now() - started) / 1000)} s)`);
}

mkdirSync(dirname(options.json), { recursive: true });
writeFileSync(
  options.json,
  `${JSON.stringify({ quick: options.quick, environment: about, sections: measured }, null, 2)}\n`,
);
console.log(`\nThe figures are in ${options.json}.`);
if (options.plot !== undefined) {
  const { plotPublishedSigners } = await import("./src/plot.ts");
  writeFileSync(options.plot, plotPublishedSigners(measured));
}
if (options.write) writeToDocument(about, measured);
if (options.quick && measured.some(({ tables }) => tables.some(({ rows }) => rows.some(({ Failed }) => Failed)))) {
  console.error("bench: some rows could not be measured");
  process.exitCode = 1;
}
