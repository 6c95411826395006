import { id, SigningKey } from "ethers";
import { runPlainNode } from "../plain-node.ts";
import { askOnce } from "../program.ts";
import type { VerificationFigures } from "../programs/verification.ts";
import type { Section } from "../section.ts";
import { median } from "../statistics.ts";
import { atMost, noGoal, type Row } from "../table.ts";

const SIGN = "`SigningKey.sign`";
const VERIFY = "Verification by `@noble/curves`";

export const verification: Section = {
  name: "verification",
  title: "Verification and yParity",
  async run({ quick }) {
    const first = await firstCalls(quick ? 1 : 9);
    const figures = await steadyFigures(quick);
    const { sign, knownKey, unknownKey, native, callsUntilWarm, warmUpCost, longestHold } = figures;
    const row = (what: string, ms: number, limit: number) => ({
      What: what,
      ...beside(ms, sign),
      ...atMost(limit, ms / sign),
    });
    return [
      {
        caption: "A process that signs and verifies all the time.",
        rows: [
          { What: SIGN, ...beside(sign, sign), ...noGoal },
          row(`${VERIFY}, a key that signs again and again`, knownKey, 1.6),
          row(`${VERIFY}, a key never seen before`, unknownKey, 4),
          row("Verification by libsecp256k1 (`nativeVerifier()`), any key", native, 0.35),
        ],
      },
      {
        caption:
          "The very first calls of a fresh process, medians over processes. The signer verifies once in vain when it has fetched the public " +
          "key, which is before these; what @noble/curves takes alone, without that, stands beside.",
        rows: [
          { What: `${SIGN}, the first`, ...beside(first.sign.first, first.sign.first), ...noGoal },
          {
            What: `${VERIFY}, the first`,
            ...beside(first.verify.first, first.sign.first),
            ...atMost(4, first.verify.first / first.sign.first),
          },
          {
            What: `${VERIFY}, the first, beside a warm ${SIGN}`,
            ...beside(first.verify.first, sign),
            ...atMost(8, first.verify.first / sign),
          },
          {
            What: "`secp256k1.verify` of `@noble/curves` alone, the first, beside a warm `SigningKey.sign`",
            ...beside(first.noble.first, sign),
            ...noGoal,
          },
          { What: `${SIGN}, the 2nd to the 20th`, ...beside(first.sign.next, first.sign.next), ...noGoal },
          {
            What: `${VERIFY}, the 2nd to the 20th, without tables`,
            ...beside(first.verify.next, first.sign.next),
            ...atMost(4, first.verify.next / first.sign.next),
          },
        ],
      },
      {
        caption: "How a fresh process grows warm with one key, one verification in each turn of the event loop.",
        rows: [
          {
            What: "Verifications until they take no more than 1.2 times the warm ones",
            Value: callsUntilWarm,
            ...noGoal,
          },
          {
            What: "What these took more than as many warm ones: tables and compiler, ms",
            Value: warmUpCost,
            ...noGoal,
          },
          { What: "Longest turn of the event loop, ms", Value: longestHold, ...atMost(20, longestHold, " ms") },
        ],
      },
    ];
  },
};

/** Medians over some fresh processes. */
async function steadyFigures(quick: boolean): Promise<VerificationFigures> {
  const module = new URL("../programs/verification.ts", import.meta.url);
  const plan = quick ? { rounds: 1, count: 4, warmUp: 60 } : { rounds: 7, count: 60, warmUp: 3_000 };
  const all: VerificationFigures[] = [];
  for (let process = 0; process < (quick ? 1 : 5); process += 1) all.push(await askOnce(module, plan));
  const of = (name: keyof VerificationFigures) => median(all.map((each) => each[name]));
  return {
    sign: of("sign"),
    unknownKey: of("unknownKey"),
    native: of("native"),
    knownKey: of("knownKey"),
    callsUntilWarm: of("callsUntilWarm"),
    warmUpCost: of("warmUpCost"),
    longestHold: of("longestHold"),
  };
}

function beside(ms: number, sign: number): Row {
  return { ms, [`Beside ${SIGN}`]: ms / sign };
}

interface FirstCalls {
  readonly first: number;
  readonly next: number;
}

/** Medians over so many fresh processes of each kind, in turn; milliseconds. */
async function firstCalls(rounds: number): Promise<Readonly<Record<"sign" | "verify" | "noble", FirstCalls>>> {
  const privateKey = id("the key of the verification benchmark");
  const key = new SigningKey(privateKey);
  const digest = id("a digest");
  const { r, s } = key.sign(digest);
  const json = JSON.stringify({ privateKey, publicKey: key.publicKey, digest, r, s });
  const times = { sign: [] as number[][], verify: [] as number[][], noble: [] as number[][] };
  for (let round = 0; round < rounds; round += 1) {
    for (const what of ["sign", "verify", "noble"] as const) {
      times[what].push(await runPlainNode("first-calls.mjs", [what, json]));
    }
  }
  const figures = (each: readonly number[][]) => ({
    first: median(each.map(([first = Number.NaN]) => first)),
    next: median(each.map(([, ...next]) => median(next))),
  });
  return { sign: figures(times.sign), verify: figures(times.verify), noble: figures(times.noble) };
}
