#!/usr/bin/env node
import { run } from "./run.ts";

// Whoever reads the output may stop early, as head does.
process.stdout.on("error", () => process.exit());

run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
