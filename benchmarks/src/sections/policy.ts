import { askOnce } from "../program.ts";
import type { PolicyFigure } from "../programs/policy.ts";
import type { Section } from "../section.ts";
import { median } from "../statistics.ts";
import { atMost } from "../table.ts";

export const policy: Section = {
  name: "policy",
  title: "Policy",
  async run({ quick }) {
    const module = new URL("../programs/policy.ts", import.meta.url);
    const plan = quick ? { rounds: 1, count: 20, warmUp: 20 } : { rounds: 15, count: 500, warmUp: 5_000 };
    const all: (readonly PolicyFigure[])[] = [];
    for (let process = 0; process < (quick ? 1 : 5); process += 1) all.push(await askOnce(module, plan));
    const caption =
      "What a policy of eleven rules adds to one signature: the request is read and its digest computed again, every rule is evaluated. Without a " +
      "limit, whose store is asked twice.";
    const rows = (all[0] ?? []).map(({ what }, index) => {
      const added = median(all.map((figures) => figures[index]?.added ?? Number.NaN));
      return { What: what, "Added, ms": added, ...atMost(0.05, added, " ms") };
    });
    return [{ caption, rows }];
  },
};
