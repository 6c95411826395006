import { Shim } from "../../../tests/support/pkcs11-shim/shim.ts";
import type { Sample } from "../contender.ts";
import type { Section } from "../section.ts";
import { allSideBySide } from "../side-by-side.ts";
import { atLeast, atMost, type Row } from "../table.ts";
import { createTarget, type TokenTarget } from "../token.ts";

/** As many as libuv has threads: more could not work at once. */
const SESSIONS = 4;
const LOADS = [2, 8, 64];
const VERIFIERS = [undefined, "native"] as const;
/** How long a token behind a network takes, while this machine has nothing to do. */
const ELSEWHERE_MS = 2;
const IN_FLIGHT_ELSEWHERE = 32;

export const pkcs11: Section = {
  name: "pkcs11",
  title: "PKCS#11: the signer beside the module and one verification, nothing else",
  async run({ quick }) {
    const target = createTarget();
    const near: Row[] = [];
    for (const inFlight of LOADS)
      for (const verifier of VERIFIERS) near.push(await compareNear(target, inFlight, verifier, quick));
    const shim = new Shim(target.libraryPath);
    try {
      shim.set("C_Sign", { delayMs: ELSEWHERE_MS });
      const far: Row[] = [];
      for (const verifier of VERIFIERS)
        far.push(await compareFar({ ...target, libraryPath: shim.libraryPath }, verifier, quick));
      return [
        {
          caption:
            "`Pkcs11Signer` on SoftHSM2, signatures per second, each side in a process of its own, round by round. Beside it, the least that " +
            "a signer costs that returns no wrong signature: `C_SignInit` and `C_SignAsync` of pkcs11js, and one verification on the event " +
            `loop's thread by the same verifier, with as many sessions: one for each signature in flight, ${SESSIONS} at most. SoftHSM2 ` +
            "computes on this machine's own CPU, for which all sides compete.",
          rows: near,
        },
        {
          caption:
            `The same with a token that takes ${ELSEWHERE_MS} ms elsewhere for each signature, ${IN_FLIGHT_ELSEWHERE} in flight on ` +
            `${SESSIONS} sessions. Beside it, what the sessions allow: pkcs11js alone, without a verification.`,
          rows: far,
        },
      ];
    } finally {
      shim.remove();
    }
  },
};

type VerifierName = (typeof VERIFIERS)[number];

async function compareNear(
  target: TokenTarget,
  inFlight: number,
  verifier: VerifierName,
  quick: boolean,
): Promise<Row> {
  const names = ["verified module", "signer", "isolated signer"];
  const [least, own, isolated] = await measure(names, target, inFlight, verifier, quick);
  const percent = percentOf(own, least);
  return {
    "In flight": inFlight,
    Verifier: verifier ?? "@noble/curves",
    "Module and verification, per s": Math.round(least.perSecond),
    "Signer, per s": Math.round(own.perSecond),
    "Signer, %": percent,
    "Loop p99, ms": own.loopDelayP99,
    "Isolated, per s": Math.round(isolated.perSecond),
    "Isolated, %": percentOf(isolated, least),
    "Isolated, loop p99, ms": isolated.loopDelayP99,
    ...goals(90, percent, own.loopDelayP99),
  };
}

async function compareFar(target: TokenTarget, verifier: VerifierName, quick: boolean): Promise<Row> {
  const names = ["module", "signer", "isolated signer"];
  const [allowed, own, isolated] = await measure(names, target, IN_FLIGHT_ELSEWHERE, verifier, quick);
  const percent = percentOf(own, allowed);
  return {
    Verifier: verifier ?? "@noble/curves",
    "Sessions allow, per s": Math.round(allowed.perSecond),
    "Signer, per s": Math.round(own.perSecond),
    "Signer, %": percent,
    "Loop p99, ms": own.loopDelayP99,
    "Isolated, per s": Math.round(isolated.perSecond),
    "Isolated, %": percentOf(isolated, allowed),
    ...goals(95, percent, own.loopDelayP99),
  };
}

async function measure(
  names: readonly string[],
  target: TokenTarget,
  inFlight: number,
  verifier: VerifierName,
  quick: boolean,
): Promise<[Sample, Sample, Sample]> {
  const config = { ...target, verifier, sessions: Math.min(inFlight, SESSIONS) };
  const outcomes = await allSideBySide(
    names.map((name) => ({ label: name, module: "pkcs11", name, config })),
    {
      loads: [{ inFlight, count: quick ? Math.max(4, inFlight) : 1_000 }],
      rounds: quick ? 1 : 5,
      warmUp: { inFlight, count: quick ? 2 : 500 },
    },
  );
  return outcomes.map(({ samples: [sample] }) => sample) as [Sample, Sample, Sample];
}

function percentOf(sample: Sample, whole: Sample): number {
  return Math.round((sample.perSecond / whole.perSecond) * 100);
}

function goals(least: number, percent: number, loopDelay: number): Row {
  const [rate, delay] = [atLeast(least, percent, " %"), atMost(20, loopDelay, " ms")];
  const met = rate["Met"] === "yes" && delay["Met"] === "yes" ? "yes" : "no";
  return { Goal: `${rate["Goal"]}, ${delay["Goal"]}`, Met: met };
}
