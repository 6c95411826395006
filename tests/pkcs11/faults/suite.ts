import { describe, expect, test } from "@jest/globals";
import type { ShimHabit } from "../../support/pkcs11-shim/shim.ts";
import { FAULTS, type Fault } from "./catalogue.ts";
import { complaints } from "./report.ts";
import { stage } from "./stage.ts";

const seconds = Number(process.env["FAULT_SECONDS"] ?? 2);
const SET_UP_MS = 150_000;

interface Place {
  readonly isolated: boolean;
  readonly habits?: readonly ShimHabit[];
}

/** Every fault of the catalogue that can happen there, each in a process of its own, for FAULT_SECONDS. */
export function describeFaults(name: string, { isolated, habits = [] }: Place): void {
  const here = FAULTS.filter(({ only }) => only === undefined || only === (isolated ? "isolated" : "in-process"));
  describe(name, () => {
    for (const fault of here) {
      test(
        fault.name,
        async () => {
          const report = await stage(fault.name, { isolated, seconds, habits });
          expect(complaints(report, { ...fault, allowed: allowedWith(habits, fault) })).toEqual([]);
          expect(report.after).toMatchObject({ calls: 100, ok: 100 });
        },
        seconds * 1000 + SET_UP_MS,
      );
    }
  });
}

// Of a key that is replaced again and again the handle may be another key's for two attempts in a row.
function allowedWith(habits: readonly ShimHabit[], { allowed }: Fault): Fault["allowed"] {
  const mayMismatch = habits.includes("reusedObjects") && allowed.includes("KEY_CHANGED");
  return mayMismatch ? [...allowed, "SIGNATURE_MISMATCH"] : allowed;
}
