import { askOnce } from "../program.ts";
import type { WatchingFigures, WatchingPlan } from "../programs/watching.ts";
import type { Section } from "../section.ts";
import { atMost, noGoal } from "../table.ts";

export const watching: Section = {
  name: "watching",
  title: "Audit and telemetry",
  async run({ quick }) {
    const plan: WatchingPlan = quick ? { rounds: 1, count: 4 } : { rounds: 9, count: 200 };
    const figures: WatchingFigures = await askOnce(new URL("../programs/watching.ts", import.meta.url), plan);
    const { call, unwatched, observed, subscribed, signature, openTelemetry, auditCpu, audit } = figures;
    const row = (what: string, ms: number, limit?: number) => ({
      What: what,
      "Added, µs": ms * 1_000,
      ...(limit === undefined ? noGoal : atMost(limit, ms * 1_000, " µs")),
    });
    return [
      {
        caption:
          "What one call of a key costs more than without it. The audit's `fsync` waits for the disk, and calls at the same time share one.",
        rows: [
          row("Telemetry, and nothing listens", unwatched - call, 1),
          row("An observer that does nothing", observed - call),
          row("Five subscribers of the channel that do nothing", subscribed - call),
          row("`openTelemetry()`, without an SDK", openTelemetry - signature),
          row('`fileAudit()` with durability `"none"`', auditCpu - signature),
          row("`fileAudit()`, one call after the other", audit - signature),
        ],
      },
    ];
  },
};
