import { parseArgs } from "node:util";
import fc from "fast-check";
import { judge } from "./judge.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { loadTarget, TARGETS } from "./targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    target: { type: "string", multiple: true, default: [...TARGETS] },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});
const { target: names } = values;
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new RangeError("--seconds and --seed must be numbers");

// Refusals are made by the million here, and their stacks would be most of the work.
Error.stackTraceLimit = 0;
for (const name of names) {
  const { target, inputs } = await loadTarget(name);
  const words = (target.words ?? []).map((word) => new TextEncoder().encode(word));
  const { maxLength } = target;
  let [executions, accepted] = [0, 0];
  let found = new Uint8Array();
  // Before it runs: a decoder that never answers ends nothing but the whole program.
  process.stdout.write(`${name.padEnd(24)}seed ${seed}: `);
  const details = fc.check(
    fc.property(fc.gen(), (value) => {
      const random = new Random(value);
      const [input, other] = [random.pick(inputs), random.pick(inputs)];
      const byFormat = random.oneIn(2) ? target.mutate?.(input, random, other) : undefined;
      const mutated = (byFormat ?? mutate(input, { random, other, words, maxLength })).slice(0, maxLength);
      executions += 1;
      try {
        if (judge(target, mutated, { isTimed: true }) === "accepted") accepted += 1;
      } catch (error) {
        // The last one is the smallest that fast-check came to.
        found = mutated;
        throw error;
      }
    }),
    {
      seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: (1_000 * seconds) / names.length,
      markInterruptAsFailure: false,
    },
  );
  process.stdout.write(`${executions} executions, ${accepted} accepted\n`);
  if (!details.failed) continue;
  process.exitCode = 1;
  process.stdout.write(`FINDING in ${name}: ${details.errorInstance}\n`);
  process.stdout.write(`  add it to tests/fuzz/cases.json: ${JSON.stringify(Buffer.from(found).toString("base64"))}\n`);
}
