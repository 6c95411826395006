import type { Load, Sample } from "../contender.ts";
import { allSideBySide } from "../side-by-side.ts";
import { atMost, noGoal, type Row } from "../table.ts";

interface OwnShare {
  readonly module: string;
  readonly config: unknown;
  readonly labels: { readonly sdk: string; readonly signer: string };
  readonly quick: boolean;
  /** The most CPU time that the signer may add, in milliseconds. */
  readonly limit?: number | undefined;
}

/** The vendor's SDK alone beside the signer on it, with 1 and 16 signatures in flight. */
export async function ownShare({ module, config, labels, quick, limit }: OwnShare): Promise<readonly Row[]> {
  const loads: readonly Load[] = [1, 16].map((inFlight) => ({ inFlight, count: quick ? 8 : 400 }));
  const sides = (["sdk", "signer"] as const).map((name) => ({ label: labels[name], module, name, config }));
  const warmUp = { inFlight: 4, count: quick ? 4 : 1_000 };
  const outcomes = await allSideBySide(sides, { loads, rounds: quick ? 1 : 7, warmUp });
  return loads.flatMap(({ inFlight }, index) => {
    const [sdk, signer] = outcomes.map(({ samples }) => samples[index]) as [Sample, Sample];
    const own = signer.cpu - sdk.cpu;
    return [
      { "In flight": inFlight, What: labels.sdk, ...columns(sdk), "Beside the SDK": 1, "Own share, ms": "", ...noGoal },
      {
        "In flight": inFlight,
        What: labels.signer,
        ...columns(signer),
        "Beside the SDK": signer.cpu / sdk.cpu,
        "Own share, ms": own,
        ...(limit === undefined ? noGoal : atMost(limit, own, " ms")),
      },
    ];
  });
}

function columns({ cpu, p50 }: Sample): Row {
  return { "CPU per signature, ms": cpu, "p50, ms": p50 };
}
