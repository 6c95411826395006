import { type Command, KEY_OPTIONS, RPC_OPTION } from "../command.ts";
import { summaryOf } from "../doctor/report.ts";
import { runChecks } from "../doctor/run-checks.ts";
import { EXIT } from "../exit-codes.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "check every step from credentials to a verified signature",
  details: [
    "Tries each step from the SDK to a verified signature, and with --rpc the node too; says of each whether it works, how long",
    "it took and, if it does not work, what to change. A step that needs a failed one is not tried. What it signs is one",
    "fixed message (EIP-191) that says what it is for, which cannot be a transaction. Exit code 1 says that a step failed.",
  ],
  options: { ...KEY_OPTIONS, ...RPC_OPTION },
  examples: [
    "doctor --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "doctor --rpc https://node.example --json   # with the key of ETHERS_HSM_KEY",
  ],
  run: async (context) => {
    const steps = await runChecks(context);
    const ok = steps.every(({ status }) => status === "ok" || status === "warning");
    context.result({ ok, steps }, summaryOf(steps));
    return ok ? EXIT.ok : EXIT.failedCheck;
  },
};
