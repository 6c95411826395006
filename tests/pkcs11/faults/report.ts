import type { Fault } from "./catalogue.ts";
import type { Outcome } from "./load.ts";

/** What one fault did to the signers under load. */
export interface Report {
  readonly fault: string;
  readonly isolated: boolean;
  readonly timeout: number;
  readonly during: Outcome;
  /** How long it took until 50 parallel signatures succeeded after the fault was over: `npm run faults` shows it. */
  readonly normalAfterMs: number;
  /** The next 100 calls after that, by the signers that had the fault. */
  readonly after: Outcome;
  readonly unhandledRejections: readonly string[];
  /** How often the fault struck, and what the signers asked of the module meanwhile. */
  readonly strikes: number;
  readonly logins: number;
  readonly initializations: number;
  /** Calls of C_Finalize and C_Logout by the signers, in a process where other code uses the library too. */
  readonly disservices: number;
  /** Breaches of "one operation per session at a time". */
  readonly overlaps: number;
  readonly interleavings: number;
  readonly closedInUse: number;
  /** Sessions that were open at most, and after the signers were closed. */
  readonly mostSessions: number;
  readonly sessionsLeft: number;
  /** What ended the process of this scene, and whether that was on its own after everything was closed. */
  readonly exit?: string;
}

/** How much later than its `timeout` a call may be answered: the timers of a busy process are late. */
export const MARGIN_MS = 2_000;

/** What is wrong with what happened, in words; nothing where all is well. */
export function complaints(report: Report, { allowed, certain = [] }: Pick<Fault, "allowed" | "certain">): string[] {
  const { during, after, timeout } = report;
  const found: string[] = [];
  const complain = (isWrong: boolean, text: string) => {
    if (isWrong) found.push(text);
  };
  for (const [when, outcome] of [
    ["during", during],
    ["after", after],
  ] as const) {
    complain(outcome.wrong > 0, `${outcome.wrong} wrong signatures ${when} the fault`);
    complain(outcome.unsettled > 0, `${outcome.unsettled} calls ${when} the fault were never answered`);
    complain(
      outcome.longestWaitMs > timeout + MARGIN_MS,
      `a call ${when} the fault waited ${outcome.longestWaitMs} ms with a timeout of ${timeout} ms`,
    );
  }
  complain(during.ok === 0, "no call succeeded during the fault");
  for (const [code, count] of Object.entries(during.failures)) {
    const isAllowed = (allowed as readonly string[]).includes(code);
    complain(!isAllowed, `${count} calls failed with ${code} during the fault: ${during.messages[code]}`);
  }
  for (const code of certain) complain(!during.failures[code], `no call failed with ${code}, though it had to`);
  for (const [code, count] of Object.entries(after.failures)) {
    complain(true, `${count} calls failed with ${code} after the fault: ${after.messages[code]}`);
  }
  complain(after.ok + after.wrong + Object.keys(after.failures).length === 0, "no call was made after the fault");
  for (const reason of report.unhandledRejections) found.push(`unhandled rejection: ${reason}`);
  complain(report.disservices > 0, `${report.disservices} times other users were logged out or finalised`);
  complain(report.overlaps > 0, `${report.overlaps} times two calls were in one session at once`);
  complain(report.interleavings > 0, `${report.interleavings} times an operation was begun within another`);
  complain(report.closedInUse > 0, `${report.closedInUse} times a session was closed under a call`);
  complain(report.sessionsLeft > 0, `${report.sessionsLeft} sessions were left open by close()`);
  complain(report.exit !== undefined && report.exit !== "on its own", `the process ended ${report.exit}`);
  return found;
}
