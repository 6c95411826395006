import { expect } from "@jest/globals";
import { id, Transaction, Wallet } from "ethers";
import fc from "fast-check";
import { memoryNonceStore } from "../../../src/nonces/memory-store.ts";
import type { NonceStore } from "../../../src/nonces/store.ts";
import { WORDS } from "./fake-chain.ts";
import { createWorld, FRIEND, payment, SECRET, type World } from "./world.ts";

type Step =
  | {
      readonly do: "send";
      readonly key: boolean;
      readonly process: number;
      readonly fate: number;
      readonly failingKey: boolean;
    }
  | { readonly do: "retry"; readonly which: number; readonly process: number }
  | { readonly do: "replace" | "cancel"; readonly which: number; readonly process: number }
  | { readonly do: "mine" | "drop" | "stranger" | "reorg" | "lag" | "reconcile" };

const FATES = ["answer", "answer", "lose-request", "lose-answer", "refuse-funds", "http-500"] as const;
const PROCESSES = 3;

const process = fc.nat(PROCESSES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      key: fc.boolean(),
      process,
      fate: fc.nat(FATES.length - 1),
      failingKey: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("retry" as const), which: fc.nat(9), process }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("replace" as const, "cancel" as const), which: fc.nat(9), process }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "mine" as const,
        "drop" as const,
        "stranger" as const,
        "reorg" as const,
        "lag" as const,
        "reconcile" as const,
      ),
    }),
  },
);

/** One send, what its caller was told, and its unmistakable value. */
interface Sent {
  readonly wei: number;
  readonly key: string | undefined;
  readonly code: string | undefined;
}

/**
 * Random histories of one account on a fake chain of two nodes: three processes send with failing keys and nodes, replace and cancel;
 * pools drop, strangers send, blocks are taken back. In the end everything is mined or superseded, no payment is made twice, none
 * is made whose caller was told that nothing was sent, and each key's is made once.
 */
export async function checkHistories(numRuns: number, createStore: () => NonceStore = memoryNonceStore): Promise<void> {
  const words = fc.constantFrom(...Object.keys(WORDS));
  const histories = fc.asyncProperty(
    words,
    fc.boolean(),
    fc.array(step, { minLength: 4, maxLength: 14 }),
    async (client, hasQueue, steps) => {
      await checkHistory(createWorld(WORDS[client], createStore()), hasQueue, steps);
    },
  );
  await fc.assert(histories, { numRuns });
}

async function checkHistory(world: World, hasQueue: boolean, steps: readonly Step[]): Promise<void> {
  const { chain, node, key } = world;
  const second = chain.node();
  for (const each of chain.nodes) each.hasQueue = hasQueue;
  const options = { grace: 0, timeout: 150 };
  const signers = Array.from({ length: PROCESSES }, (_, index) => world.process(options, index === 2 ? second : node));
  const signerOf = (index: number) => signers[index] ?? world.process(options);
  const signDigest = key.signDigest.bind(key);
  const sent: Sent[] = [];
  let hasStranger = false;
  let cancelled = new Set<number>();

  const attemptSend = async (wei: number, idempotencyKey: string | undefined, index: number) => {
    const code = await signerOf(index)
      .sendTransaction(payment(wei, idempotencyKey))
      .then(
        () => undefined,
        (error: { code?: string }) => String(error.code),
      );
    sent.push({ wei, key: idempotencyKey, code });
  };

  for (const [index, each] of steps.entries()) {
    switch (each.do) {
      case "send":
        node.fates.push(FATES[each.fate] ?? "answer");
        if (each.failingKey && each.fate > 3) key.signDigest = async () => Promise.reject(new Error("no signature"));
        await attemptSend(index + 1, each.key ? `key ${index}` : undefined, each.process);
        key.signDigest = signDigest;
        node.fates.length = 0;
        break;
      case "retry": {
        const again = sent.filter((one) => one.key !== undefined)[each.which];
        if (again) await attemptSend(again.wei, again.key, each.process);
        break;
      }
      case "replace":
      case "cancel": {
        const { open } = await signerOf(0).records();
        const record = open[each.which];
        const last = record?.attempts.at(-1);
        if (!record || !last || record.state === "mined") break;
        if (each.do === "cancel")
          cancelled = cancelled.add(Number(Transaction.from(record.attempts[0]?.raw ?? "").value));
        await signerOf(each.process)
          [each.do](last.hash)
          .catch(() => {});
        break;
      }
      case "mine":
        chain.mine();
        break;
      case "drop":
        node.pool.clear();
        break;
      case "stranger": {
        hasStranger = true;
        chain.mineRaw(await strangers(chain.mined.length));
        break;
      }
      case "reorg":
        // A stranger's transaction that is taken back for good makes ours valid again, which no store can know.
        chain.reorg(1, !hasStranger);
        break;
      case "lag":
        second.lag = second.lag === 0 ? 1 : 0;
        break;
      case "reconcile":
        await signerOf(index % PROCESSES)
          .reconcile()
          .catch(() => {});
    }
  }
  await heal(world, signers, sent);
  checkPayments(world, sent, cancelled);
}

/** Nodes and keys work again; everything is reconciled, mined, and every key's send is repeated. */
async function heal(world: World, signers: ReturnType<World["process"]>[], sent: readonly Sent[]): Promise<void> {
  const { chain, node } = world;
  for (const each of chain.nodes) {
    each.lag = 0;
    each.hasQueue = true;
  }
  const signer = signers[0] ?? world.process();
  for (let rounds = 0; rounds < 4; rounds += 1) {
    await signer.reconcile({ fill: true }).catch(() => {});
    chain.mine();
    node.pool.clear();
    for (const { wei, key } of new Map(sent.map((each) => [each.key, each])).values()) {
      if (key !== undefined) await signer.sendTransaction(payment(wei, key)).catch(() => {});
    }
    chain.mine();
  }
  await signer.reconcile();
  const open = await signer.reconcile();
  // A nonce that was refused and not used again stays vacant.
  const unsettled = open.filter(({ nonce, state }) => state !== "mined" && nonce < chain.mined.length);
  expect([unsettled, open.filter(({ state }) => state !== "mined" && state !== "vacant")]).toEqual([[], []]);
}

function checkPayments({ chain }: World, sent: readonly Sent[], cancelled: ReadonlySet<number>): void {
  const paid = chain.mined.map(({ raw }) => Transaction.from(raw)).filter(({ to }) => to === FRIEND);
  for (const { wei, key, code } of sent) {
    const times = paid.filter(({ value }) => value === BigInt(wei)).length;
    expect(times).toBeLessThanOrEqual(1);
    const isUnknown = code === undefined || code === "BROADCAST_UNKNOWN" || code === "IDEMPOTENCY_CONFLICT";
    if (key !== undefined && !cancelled.has(wei)) expect({ wei, key, times }).toEqual({ wei, key, times: 1 });
    // "Nothing was sent" is never said of a payment that is made.
    if (key === undefined && !isUnknown) expect({ wei, code, times }).toEqual({ wei, code, times: 0 });
  }
}

async function strangers(nonce: number): Promise<string> {
  const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1n };
  const content = { type: 2, chainId: 99n, nonce, to: id("a stranger's payee").slice(0, 42), gasLimit: 21_000n };
  return new Wallet(SECRET).signTransaction({ ...content, ...fees });
}
