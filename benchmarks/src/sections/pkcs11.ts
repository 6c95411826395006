import { isError } from "ethers";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "ethers-hsm/pkcs11";
import type { Sample } from "../contender.ts";
import type { Section } from "../section.ts";
import { allSideBySide } from "../side-by-side.ts";
import { atLeast, atMost, type Row } from "../table.ts";
import { createTarget } from "../token.ts";

/** As many as libuv has threads: more could not work at once. */
const SESSIONS = 4;
const LOADS = [1, 2, 4, 8, 16, 32, 64];

export const pkcs11: Section = {
  name: "pkcs11",
  title: "PKCS#11: signatures per second beside the module's own rate",
  async run({ quick }) {
    const target = createTarget();
    const isolation = offersIsolation();
    const names = ["module", "key", "verified module", "signer", ...(isolation ? ["isolated signer"] : [])];
    const [shared, isolated]: [Row[], Row[]] = [[], []];
    // Fresh processes for each load, but for a quick look.
    for (const group of quick ? [LOADS] : LOADS.map((inFlight) => [inFlight])) {
      const most = Math.max(...group);
      const config = { ...target, sessions: Math.min(most, SESSIONS) };
      const sides = names.map((name) => ({ label: name, module: "pkcs11", name, config }));
      const [module, key, verified, ...signers] = await allSideBySide(sides, {
        loads: group.map((inFlight) => ({ inFlight, count: quick ? Math.max(4, inFlight) : 1_500 })),
        rounds: quick ? 1 : 5,
        warmUp: { inFlight: most, count: quick ? 2 : 800 },
      });
      for (const [index, inFlight] of group.entries()) {
        for (const [which, rows] of [shared, isolated].entries()) {
          const own = signers[which]?.samples[index];
          const [bare, unverified, least] = [module, key, verified].map((side) => side?.samples[index]);
          if (own && bare && unverified && least) rows.push(row(inFlight, { bare, unverified, least, own }));
        }
      }
    }
    const caption =
      "`Pkcs11Signer` on SoftHSM2, a fresh process for each figure. The module's own rate: `C_SignInit` and `C_SignAsync` of pkcs11js, " +
      `with as many sessions as the signer uses: one for each signature in flight, ${SESSIONS} at most. ` +
      "Beside it `Pkcs11Key`, the signer's key, which verifies nothing; and the module with nothing more than a verification of each " +
      "signature on the event loop's thread.";
    const ofIsolation = 'The same with `isolation: "process"`: the event loop is that of the application\'s process.';
    return [{ caption, rows: shared }, ...(isolation ? [{ caption: ofIsolation, rows: isolated }] : [])];
  },
};

interface Samples {
  readonly bare: Sample;
  readonly unverified: Sample;
  readonly least: Sample;
  readonly own: Sample;
}

function row(inFlight: number, { bare, unverified, least, own }: Samples): Row {
  const percent = percentOf(own, bare);
  return {
    "In flight": inFlight,
    "Module, per s": Math.round(bare.perSecond),
    "Key, per s": Math.round(unverified.perSecond),
    "Module and verification, per s": Math.round(least.perSecond),
    "Signer, per s": Math.round(own.perSecond),
    "Key, % of the module": percentOf(unverified, bare),
    "Module and verification, % of the module": percentOf(least, bare),
    "Signer, % of the module": percent,
    "Module, loop p99, ms": bare.loopDelayP99,
    "Signer, loop p99, ms": own.loopDelayP99,
    ...goals(inFlight, percent, own.loopDelayP99),
  };
}

function percentOf(sample: Sample, whole: Sample): number {
  return Math.round((sample.perSecond / whole.perSecond) * 100);
}

/** One signature at a time leaves the module idle while it is verified: the goal for the rate is one for a load. */
function goals(inFlight: number, percent: number, loopDelay: number): Row {
  const delay = atMost(20, loopDelay, " ms");
  if (inFlight === 1) return delay;
  const rate = atLeast(70, percent, " %");
  const met = rate["Met"] === "yes" && delay["Met"] === "yes" ? "yes" : "no";
  return { Goal: `${rate["Goal"]}, ${delay["Goal"]}`, Met: met };
}

/** Whether this version can run the module in a process of its own: it refuses a wrong value of an option that it knows. */
function offersIsolation(): boolean {
  const options = { libraryPath: "none.so", keyLabel: "none", isolation: "neither" };
  try {
    new Pkcs11Signer(options as Pkcs11SignerOptions);
    return false;
  } catch (error) {
    if (isError(error, "INVALID_ARGUMENT")) return true;
    throw error;
  }
}
