import { expect, test } from "@jest/globals";
import { compare } from "./differential/compare.ts";
import { ENCODINGS } from "./differential/mutations.ts";

const CASES = Number(process.env["DIFFERENTIAL_CASES"] ?? 4_000);

test(
  "every DER signature that is accepted is accepted by OpenSSL and by @noble/curves, as the same numbers",
  () => {
    const { kinds, parsed, verified, disagreements } = compare({ cases: CASES, seed: 861_620, verifyOneIn: 50 });
    expect(disagreements).toEqual([]);

    const all = [...kinds.values()];
    const accepted = all.reduce((sum, counts) => sum + counts.accepted, 0);
    expect(parsed).toBe(accepted);
    // Enough was accepted, refused and verified for the comparison to mean something.
    expect(all.reduce((sum, counts) => sum + counts.cases, 0)).toBe(CASES);
    expect(accepted).toBeGreaterThan(CASES / 4);
    expect(accepted).toBeLessThan((3 * CASES) / 4);
    expect(verified).toBeGreaterThan(0);

    // Neither of them takes an encoding that DER forbids: nothing is refused here that they would accept.
    for (const counts of all) expect(counts).toMatchObject({ onlyNoble: 0, onlyOpenSsl: 0 });
    for (const kind of Object.keys(ENCODINGS)) expect(kinds.get(kind)?.cases).toBeGreaterThan(0);
    expect(kinds.get("nothing")).toMatchObject({ accepted: kinds.get("nothing")?.cases });
  },
  300_000 + CASES,
);
