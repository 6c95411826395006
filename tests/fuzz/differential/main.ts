import { parseArgs } from "node:util";
import { compare } from "./compare.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});
const cases = Number(values.cases);
if (!Number.isSafeInteger(cases) || cases <= 0) throw new RangeError("--cases must be an integer above 0");
const print = (line: string) => process.stdout.write(`${line}\n`);

Error.stackTraceLimit = 0;
const start = performance.now();
const { kinds, parsed, verified, disagreements } = compare({
  cases,
  seed: values.seed,
  verifyOneIn: 100,
});
print(`${cases} mutated signatures, seed ${values.seed}, ${((performance.now() - start) / 1000).toFixed(0)} s`);
print(
  `${"mutation".padEnd(30)}${["cases", "accepted", "only noble", "only OpenSSL"].map((name) => name.padStart(14)).join("")}`,
);
for (const [kind, { cases: count, accepted, onlyNoble, onlyOpenSsl }] of kinds) {
  const row = [count, accepted, onlyNoble, onlyOpenSsl].map((each) => `${each}`.padStart(14)).join("");
  print(kind.padEnd(30) + row);
}
print(
  `${parsed} accepted: the same numbers by @noble/curves and by OpenSSL's parser; ${verified} of them verified by their own key`,
);
for (const line of disagreements) print(`DISAGREEMENT ${line}`);
process.exitCode = disagreements.length === 0 ? 0 : 1;
