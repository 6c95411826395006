import { BackendServer } from "../backend-server.ts";
import type { Section } from "../section.ts";
import { PUBLISHED_SIGNERS } from "../settings.ts";
import { type Failure, type Outcome, type Side, sideBySide } from "../side-by-side.ts";
import type { Row } from "../table.ts";

export const CPU_COLUMN = "CPU per signature, ms";
export const OWN_SIGNER = "ethers-hsm";

const NAMES = [
  OWN_SIGNER,
  "@rumblefishdev/eth-signer-kms",
  "@cuonghx.gu-tech/ethers-aws-kms-signer",
  "@nexusmutual/ethers-v6-aws-kms-signer",
  "aws-kms-ethers-signer",
];

export const publishedSigners: Section = {
  name: PUBLISHED_SIGNERS,
  title: "Published signers over AWS KMS",
  async run({ quick }) {
    const server = await BackendServer.start("aws-kms", NAMES.length + 1);
    const env = { AWS_ENDPOINT_URL_KMS: server.url };
    const sides: Side[] = [
      ...NAMES.map((name, index) => ({ ...published(name), config: server.kmsTarget(index), env })),
      {
        label: "`SignCommand`, the SDK alone",
        ...{ module: "aws-kms", name: "sdk", config: server.kmsTarget(NAMES.length) },
      },
      { ...published("wallet"), label: "`Wallet`, a key in memory", config: undefined },
    ];
    const loads = [
      { inFlight: 1, count: quick ? 5 : 200 },
      { inFlight: 16, count: quick ? 16 : 400 },
    ];
    const rounds = quick ? 1 : 5;
    const signatures = rounds * loads.reduce((sum, { count }) => sum + count, 0);
    // One key each, the last one without.
    const requests = () => Promise.all(sides.slice(0, -1).map((_, index) => server.requestsFor(index)));
    try {
      let before: readonly number[] = [];
      const results = await sideBySide(sides, {
        ...{ loads, rounds, warmUp: { inFlight: 4, count: quick ? 4 : 500 } },
        afterWarmUp: async () => {
          before = await requests();
        },
      });
      const after = await requests();
      const [own] = results;
      const rows = sides.map(({ label }, index) => {
        const calls = ((after[index] ?? 0) - (before[index] ?? 0)) / signatures;
        return { Signer: label, ...columns(results[index], own, calls) };
      });
      const caption =
        "`signTransaction` of one EIP-1559 transaction; by the SDK alone, the one request that it takes. Latencies and CPU with 1 in " +
        "flight, the event loop with 16.";
      return [{ caption, rows }];
    } finally {
      await server.stop();
    }
  },
};

function published(name: string): Pick<Side, "label" | "module" | "name"> {
  return { label: `\`${name}\``, module: "published", name };
}

function columns(result: Outcome | Failure | undefined, own: Outcome | Failure | undefined, calls: number): Row {
  if (!result || "error" in result) return { Failed: result?.error ?? "no result" };
  const [alone, together] = result.samples;
  const ownCpu = own && "samples" in own ? own.samples[0]?.cpu : undefined;
  if (!alone || !together || ownCpu === undefined) return { Failed: "no figures to compare with" };
  return {
    "p50, ms": alone.p50,
    "p95, ms": alone.p95,
    [CPU_COLUMN]: alone.cpu,
    "Beside ethers-hsm": alone.cpu / ownCpu,
    "KMS calls per signature": calls,
    "Event loop delay p99, ms": together.loopDelayP99,
  };
}
