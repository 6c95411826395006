import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { postgresPrograms, redisServer } from "../../../scripts/setup/databases.mjs";
import { WORDS, type Words } from "../../../tests/nonces/support/fake-chain.ts";
import { NodeProxy } from "../../../tests/nonces/support/node-proxy.ts";
import { type Anvil, startAnvil } from "../../../tests/support/anvil.ts";
import { startPostgres, startRedis } from "../../../tests/support/databases.ts";
import { Program } from "../program.ts";
import type { Counter, NoncesMessage, NoncesReply } from "../programs/nonces.ts";
import type { Section } from "../section.ts";
import type { Row } from "../table.ts";

const PROGRAM = new URL("../programs/nonces.ts", import.meta.url);
const IN_FLIGHT = 8;
/** Of a node's broadcasts: a third of these are lost on the way, a third after the node took them, and a third are refused. */
const FAILING = 0.3;
let runs = 0;

export const nonces: Section = {
  name: "nonces",
  title: "Nonces",
  async run({ quick }) {
    process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] = postgresPrograms() ?? "";
    process.env["ETHERS_HSM_REDIS_SERVER"] = redisServer() ?? "";
    const [anvil, postgres, redis] = await Promise.all([startAnvil(), startPostgres(), startRedis()]);
    const sharing = quick ? 2 : 8;
    const rows = async (
      processes: number,
      inFlight: number,
      payments: number,
      counters: readonly (readonly [string, Counter])[],
    ) => {
      const measured: Row[] = [];
      for (const [name, counter] of counters) {
        for (const failing of [0, FAILING]) {
          const { port } = counter === "redis" ? redis : postgres;
          const figures = await measure(anvil, { counter, port, inFlight, processes, payments, failing });
          measured.push({ "Counted by": name, "Broadcasts that fail": `${100 * failing} %`, ...figures });
        }
      }
      return measured;
    };
    try {
      return [
        {
          caption:
            "One process with 8 payments in flight, each tried again until it is told to be sent, seven times at most. " +
            "Of the broadcasts that fail a third is lost, a third is taken without an answer, and a third is refused.",
          rows: await rows(1, IN_FLIGHT, quick ? 8 : 100, [
            ["`withNonces`, `memoryNonceStore`", "memory"],
            ["ethers' `NonceManager`", "ethers"],
            ["viem's `nonceManager`", "viem"],
          ]),
        },
        {
          caption: `${sharing} processes that send from one account, one payment after the other, in the same way.`,
          rows: await rows(sharing, 1, quick ? 16 : 200, [
            ["`withNonces`, `postgresNonceStore`", "postgres"],
            ["`withNonces`, `redisNonceStore`", "redis"],
          ]),
        },
      ];
    } finally {
      await Promise.all([anvil.stop(), postgres.stop(), redis.stop()]);
    }
  },
};

interface Load {
  readonly counter: Counter;
  readonly port: number;
  readonly inFlight: number;
  readonly processes: number;
  readonly payments: number;
  readonly failing: number;
}

async function measure(anvil: Anvil, { failing, processes, payments, ...rest }: Load): Promise<Row> {
  runs += 1;
  const secret = id(`nonces ${runs}`);
  await anvil.fund(new Wallet(secret).address, parseEther("10"));
  const proxy = await NodeProxy.start(anvil.url, WORDS["geth"] as Words);
  let broadcasts = 0;
  // By turns, so that every contender meets the same.
  const fates = ["lose-request", "lose-answer", "refuse-funds"] as const;
  proxy.fate = () => {
    broadcasts += 1;
    const failures = Math.floor(broadcasts * failing);
    return failures > Math.floor((broadcasts - 1) * failing) ? (fates[failures % 3] ?? "answer") : "answer";
  };
  const payees = Array.from({ length: payments }, (_, index) => new Wallet(id(`payee ${runs} ${index}`)).address);
  const programs = Array.from({ length: processes }, () => Program.start<NoncesMessage, NoncesReply>(PROGRAM));
  try {
    // Before it counts, each has loaded and compiled what it needs.
    const message = { ...rest, rpc: proxy.url, secret };
    await Promise.all(programs.map((program) => program.ask({ ...message, to: [] })));
    const replies = await Promise.all(
      programs.map((program, index) =>
        program.ask({ ...message, to: payees.filter((_, payee) => payee % processes === index) }),
      ),
    );
    const sum = (figure: keyof NoncesReply) => replies.reduce((total, reply) => total + reply[figure], 0);
    const paid = await balances(anvil.provider(), payees);
    const times = (wanted: (wei: bigint) => boolean) => paid.filter(wanted).length;
    return {
      "Payments per second": (1_000 * payments) / Math.max(...replies.map(({ milliseconds }) => milliseconds)),
      "CPU per payment, ms": sum("cpu") / payments,
      "Signatures per payment": sum("signatures") / payments,
      "Told as sent": sum("told"),
      "Paid once": times((wei) => wei === 1n),
      "Paid more often": times((wei) => wei > 1n),
      "Not paid": times((wei) => wei === 0n),
    };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await proxy.close();
  }
}

async function balances(provider: JsonRpcProvider, addresses: readonly string[]): Promise<bigint[]> {
  return Promise.all(addresses.map((address) => provider.getBalance(address)));
}
