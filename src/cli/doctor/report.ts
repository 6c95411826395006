import type { StepReport } from "./checks.ts";

const MARKS: Readonly<Record<StepReport["status"], string>> = {
  ok: "ok",
  warning: "WARNING",
  failed: "FAILED",
  "not-tried": "not tried",
};

/** The steps for people: one line each, and a last one that says how it stands. */
export function summaryOf(steps: readonly StepReport[]): string[] {
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.map(({ step, status, detail, milliseconds }) => {
    const time = milliseconds === undefined ? "" : ` (${milliseconds} ms)`;
    return `${MARKS[status].padEnd(9)}  ${step.padEnd(width)}  ${detail}${time}`;
  });
  const failed = steps.filter(({ status }) => status === "failed");
  const warnings = steps.filter(({ status }) => status === "warning").length;
  const [first] = failed;
  const end = first
    ? `${failed.length} of ${steps.length} steps failed; begin with: ${first.step}`
    : `everything works${warnings === 0 ? "" : `, with ${warnings} warning${warnings === 1 ? "" : "s"}`}`;
  return [...lines, "", end];
}
