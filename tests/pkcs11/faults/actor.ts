// The process of one scene: plays one fault, prints its report, and ends on its own.
//
//   tsx tests/pkcs11/faults/actor.ts --fault NAME --seconds N [--isolated] [--habit HABIT]…

import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ShimHabit } from "../../support/pkcs11-shim/shim.ts";
import { FAULTS } from "./catalogue.ts";
import { play } from "./play.ts";

const { values } = parseArgs({
  options: {
    fault: { type: "string" },
    seconds: { type: "string", default: "2" },
    isolated: { type: "boolean", default: false },
    habit: { type: "string", multiple: true, default: [] },
  },
});
const fault = FAULTS.find(({ name }) => name === values.fault);
if (!fault)
  throw new Error(`no fault is named ${values.fault}; there are: ${FAULTS.map(({ name }) => name).join(", ")}`);
const { isolated, seconds, habit } = values;
const report = await play(fault, { isolated, seconds: Number(seconds), habits: habit as ShimHabit[] });
writeSync(1, `${JSON.stringify(report)}\n`);
