// Every fault under 50 parallel callers, each in a process of its own, and what came of it.
//
//   npm run faults [-- --seconds 60] [-- --only TEXT] [-- --mode in-process|isolated] [-- --habit HABIT]…
//
// Under each scene stands the first message of each code that the callers saw. Ends with exit code 1 where anything was not as it has to be: a wrong signature, a call that was lost or answered too late,
// an unhandled rejection, a breach of "one operation per session at a time", or service that did not come back.

import { parseArgs } from "node:util";
import type { ShimHabit } from "../../support/pkcs11-shim/shim.ts";
import { FAULTS } from "./catalogue.ts";
import { complaints, type Report } from "./report.ts";
import { stage } from "./stage.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: process.env["FAULT_SECONDS"] ?? "60" },
    only: { type: "string", default: "" },
    mode: { type: "string", default: "" },
    habit: { type: "string", multiple: true, default: [] },
  },
});
const seconds = Number(values.seconds);
const say = (text: string) => process.stdout.write(`${text}\n`);

const rows: Record<string, unknown>[] = [];
let failed = 0;
for (const mode of ["in-process", "isolated"] as const) {
  if (values.mode !== "" && values.mode !== mode) continue;
  for (const fault of FAULTS) {
    if ((fault.only !== undefined && fault.only !== mode) || !fault.name.includes(values.only)) continue;
    const found = await playOn(fault, mode);
    failed += found.length > 0 ? 1 : 0;
    say(`${found.length > 0 ? "✗" : "✓"} ${fault.name} (${mode})${found.map((each) => `\n    ${each}`).join("")}`);
  }
}
// biome-ignore lint/suspicious/noConsole: the table is what this program is for.
console.table(rows);
say(`${rows.length} scenes of ${seconds} s, ${failed} failed`);
process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0;

async function playOn(fault: (typeof FAULTS)[number], mode: "in-process" | "isolated"): Promise<string[]> {
  try {
    const report = await stage(fault.name, {
      isolated: mode === "isolated",
      seconds,
      habits: values.habit as ShimHabit[],
    });
    rows.push(row(report));
    const { calls, ok, failures, messages } = report.during;
    say(`${calls} calls, ${ok} ok`);
    for (const [code, count] of Object.entries(failures)) say(`  ${count} × ${code}: ${messages[code]}`);
    return complaints(report, fault);
  } catch (error) {
    rows.push({ fault: fault.name, mode });
    return [(error as Error).message];
  }
}

function row(report: Report): Record<string, unknown> {
  const { during, after } = report;
  const failures = Object.entries(during.failures).map(([code, count]) => `${code} ${count}`);
  return {
    fault: report.fault,
    mode: report.isolated ? "isolated" : "in-process",
    calls: during.calls,
    ok: during.ok,
    failures: failures.join(", ") || "none",
    wrong: during.wrong + after.wrong,
    "longest wait": `${during.longestWaitMs} of ${report.timeout} ms`,
    strikes: report.strikes,
    logins: report.logins,
    sessions: report.mostSessions,
    "normal after": `${Math.round(report.normalAfterMs)} ms`,
    recovered: `${after.ok} of ${after.calls}`,
  };
}
