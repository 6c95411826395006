#!/usr/bin/env node
import { run } from "./run.ts";

// The reader of the output may stop early, as head does.
process.stdout.on("error", () => process.exit());

run(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
  // A connection that nothing answers, or a library's thread, would keep the process: it ends once its output is written.
  process.stdout.write("", () => process.stderr.write("", () => process.exit()));
});
