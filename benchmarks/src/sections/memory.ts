import { askOnce } from "../program.ts";
import type { MemoryFigures, MemoryPlan, MemoryUse } from "../programs/memory.ts";
import type { Section } from "../section.ts";
import { atMost, type Row } from "../table.ts";

const MB = 1_000_000;

export const memory: Section = {
  name: "memory",
  title: "Memory",
  async run({ quick, million }) {
    const signatures = quick ? 200 : million ? 1_000_000 : 100_000;
    const signers = quick ? 20 : million ? 10_000 : 1_000;
    const loop = await measure({ signatures });
    const many = await measure({ signers });
    const [first, last] = [loop.tenths[0], loop.tenths.at(-1)];
    const [held] = many.tenths.slice(-1);
    if (!first || !last || !held) throw new Error("nothing was measured");
    return [
      {
        caption: "One signer that signs again and again: JavaScript's heap and what hangs on it, after a collection.",
        rows: [
          {
            Signatures: signatures,
            "After the first tenth, MB": first.heap / MB,
            "At the end, MB": last.heap / MB,
            "Growth per signature, bytes": (last.heap - first.heap) / (signatures * 0.9),
            ...atMost(1.05, last.heap / first.heap, " × the first"),
          },
        ],
      },
      {
        caption: "Signers of distinct keys, each of which signed a hundred times: what they added to the process.",
        rows: [
          { Signers: signers, What: "heap", ...added(many.before, held, "heap", signers) },
          { Signers: signers, What: "the process's resident memory", ...added(many.before, held, "resident", signers) },
        ],
      },
    ];
  },
};

function added(before: MemoryUse, after: MemoryUse, what: keyof MemoryUse, signers: number): Row {
  const bytes = after[what] - before[what];
  return { "Added, MB": bytes / MB, "For each signer, kB": bytes / 1_000 / signers, ...atMost(200, bytes / MB, " MB") };
}

function measure(plan: MemoryPlan): Promise<MemoryFigures> {
  const module = new URL("../programs/memory.ts", import.meta.url);
  return askOnce<MemoryPlan, MemoryFigures>(module, plan, { execArgv: ["--expose-gc"] });
}
