import { expect, test } from "@jest/globals";
import type { SignerErrorCode } from "../../../src/index.ts";
import type { Outcome } from "./load.ts";
import { complaints, type Report } from "./report.ts";

const GOOD: Outcome = { calls: 100, ok: 100, wrong: 0, failures: {}, messages: {}, longestWaitMs: 20, unsettled: 0 };
const REPORT: Report = {
  fault: "a fault",
  isolated: false,
  timeout: 1_000,
  during: { ...GOOD, ok: 90, failures: { THROTTLED: 10 }, messages: { THROTTLED: "slow down" } },
  normalAfterMs: 20,
  after: GOOD,
  unhandledRejections: [],
  strikes: 1,
  logins: 1,
  initializations: 0,
  disservices: 0,
  overlaps: 0,
  interleavings: 0,
  closedInUse: 0,
  mostSessions: 4,
  sessionsLeft: 0,
  exit: "on its own",
};
const FAULT: { allowed: SignerErrorCode[]; certain: SignerErrorCode[] } = {
  allowed: ["THROTTLED"],
  certain: ["THROTTLED"],
};

test("a scene in which the callers saw only what they had to see is fine", () => {
  expect(complaints(REPORT, FAULT)).toEqual([]);
});

test.each<[string, Partial<Report>]>([
  ["1 wrong signatures during", { during: { ...REPORT.during, wrong: 1 } }],
  ["1 wrong signatures after", { after: { ...GOOD, ok: 99, wrong: 1 } }],
  ["2 calls during the fault were never answered", { during: { ...REPORT.during, unsettled: 2 } }],
  ["a call during the fault waited 3001 ms", { during: { ...REPORT.during, longestWaitMs: 3_001 } }],
  ["no call succeeded", { during: { ...REPORT.during, ok: 0 } }],
  [
    "3 calls failed with KEY_NOT_FOUND during",
    { during: { ...REPORT.during, failures: { THROTTLED: 1, KEY_NOT_FOUND: 3 } } },
  ],
  ["no call failed with THROTTLED", { during: { ...REPORT.during, failures: {} } }],
  ["1 calls failed with THROTTLED after", { after: { ...GOOD, failures: { THROTTLED: 1 } } }],
  ["no call was made after", { after: { ...GOOD, calls: 0, ok: 0 } }],
  ["unhandled rejection: Error: lost", { unhandledRejections: ["Error: lost"] }],
  ["1 times other users were logged out", { disservices: 1 }],
  ["two calls were in one session at once", { overlaps: 1 }],
  ["an operation was begun within another", { interleavings: 1 }],
  ["a session was closed under a call", { closedInUse: 1 }],
  ["4 sessions were left open", { sessionsLeft: 4 }],
  ["the process ended with SIGSEGV", { exit: "with SIGSEGV" }],
])("%s is complained about", (text, change) => {
  const found = complaints({ ...REPORT, ...change }, FAULT);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(text);
});
