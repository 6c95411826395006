import { expect } from "@jest/globals";
import { id, Transaction, Wallet } from "ethers";
import fc from "fast-check";
import type { NonceSigner } from "../../../src/nonces/nonce-signer.ts";
import type { MemoryKey } from "../../support/memory-key.ts";
import { type Fate, WORDS } from "./fake-chain.ts";
import { FRIEND, payment } from "./world.ts";

/** What the histories do to a node. */
interface ModelNode {
  /** What becomes of the next broadcasts, one each; then they are answered. */
  readonly fates: Fate[];
  /** Whether transactions ahead of their turn are held. */
  hasQueue: boolean;
  /** Blocks that it does not know yet. */
  lag: number;
}

/** One account on a chain of two nodes, of which the second may lag. */
export interface ModelWorld {
  readonly chainId: bigint;
  readonly secret: string;
  readonly key: MemoryKey;
  readonly nodes: readonly [ModelNode, ModelNode];
  /** Another process: it shares the store and the key. */
  process(node: ModelNode, options: { readonly grace: number; readonly timeout: number }): NonceSigner;
  /** Milliseconds for the processes while keys and nodes fail. */
  readonly timeout: number;
  mine(): Promise<void>;
  /** Mines these bytes, whatever the pools hold. */
  mineRaw(raw: string): Promise<void>;
  /** Takes the last block back; its transactions are pending again, unless they are lost. */
  reorg(areLost: boolean): Promise<void>;
  /** The first node forgets what is pending. */
  drop(): Promise<void>;
  /** The account's, in order. */
  mined(): Promise<readonly Transaction[]>;
}

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
  | { readonly do: "mine" | "drop" | "other-wallet" | "reorg" | "lag" | "reconcile" };

const FATES = [
  "answer",
  "answer",
  "lose-request",
  "lose-answer",
  "refuse-funds",
  "http-500",
] as const satisfies readonly Fate[];
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
        "other-wallet" as const,
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
 * Random histories of one account on a chain of two nodes: three processes send with failing keys and nodes, replace and cancel;
 * pools drop, other wallets send, blocks are taken back. In the end everything is mined or superseded, no payment is made twice, none
 * is made whose caller was told that nothing was sent, and each key's is made once.
 */
export async function checkHistories(
  numRuns: number,
  open: (client: string) => Promise<ModelWorld>,
  clients = Object.keys(WORDS),
): Promise<void> {
  const histories = fc.asyncProperty(
    fc.constantFrom(...clients),
    fc.boolean(),
    fc.array(step, { minLength: 4, maxLength: 14 }),
    async (client, hasQueue, steps) => {
      await checkHistory(await open(client), hasQueue, steps);
    },
  );
  await fc.assert(histories, { numRuns });
}

async function checkHistory(world: ModelWorld, hasQueue: boolean, steps: readonly Step[]): Promise<void> {
  const { nodes, key, timeout } = world;
  const [node, second] = nodes;
  for (const each of nodes) each.hasQueue = hasQueue;
  const signers = Array.from({ length: PROCESSES }, (_, index) =>
    world.process(index === 2 ? second : node, { grace: 0, timeout }),
  );
  const signerOf = (index: number) => signers[index] as NonceSigner;
  const signDigest = key.signDigest.bind(key);
  const sent: Sent[] = [];
  let hasOtherWallet = false;
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
        await world.mine();
        break;
      case "drop":
        await world.drop();
        break;
      case "other-wallet": {
        hasOtherWallet = true;
        await world.mineRaw(await signedElsewhere(world, (await world.mined()).length));
        break;
      }
      case "reorg":
        // Another wallet's transaction that is taken back makes ours valid again, which no store can know.
        await world.reorg(!hasOtherWallet);
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
  await heal(world, sent);
  checkPayments(await world.mined(), sent, cancelled);
}

/** Nodes and keys work again; everything is reconciled, mined, and every key's send is repeated. */
async function heal(world: ModelWorld, sent: readonly Sent[]): Promise<void> {
  for (const each of world.nodes) {
    each.lag = 0;
    each.hasQueue = true;
  }
  const signer = world.process(world.nodes[0], { grace: 0, timeout: 10_000 });
  for (let rounds = 0; rounds < 4; rounds += 1) {
    await signer.reconcile({ fill: true }).catch(() => {});
    await world.mine();
    await world.drop();
    for (const { wei, key } of new Map(sent.map((each) => [each.key, each])).values()) {
      if (key !== undefined) await signer.sendTransaction(payment(wei, key)).catch(() => {});
    }
    await world.mine();
  }
  await signer.reconcile();
  const open = await signer.reconcile();
  const { length } = await world.mined();
  // A nonce that was refused and not used again stays vacant.
  const unsettled = open.filter(({ nonce, state }) => state !== "mined" && nonce < length);
  expect([unsettled, open.filter(({ state }) => state !== "mined" && state !== "vacant")]).toEqual([[], []]);
}

function checkPayments(mined: readonly Transaction[], sent: readonly Sent[], cancelled: ReadonlySet<number>): void {
  const paid = mined.filter(({ to }) => to === FRIEND);
  for (const { wei, key, code } of sent) {
    const times = paid.filter(({ value }) => value === BigInt(wei)).length;
    expect(times).toBeLessThanOrEqual(1);
    const isUnknown = code === undefined || code === "BROADCAST_UNKNOWN" || code === "IDEMPOTENCY_CONFLICT";
    if (key !== undefined && !cancelled.has(wei)) expect({ wei, key, times }).toEqual({ wei, key, times: 1 });
    // "Nothing was sent" is never said of a payment that is made.
    if (key === undefined && !isUnknown) expect({ wei, code, times }).toEqual({ wei, code, times: 0 });
  }
}

async function signedElsewhere({ chainId, secret }: ModelWorld, nonce: number): Promise<string> {
  const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1n };
  const to = id("another wallet's payee").slice(0, 42);
  return new Wallet(secret).signTransaction({ type: 2, chainId, nonce, to, gasLimit: 21_000n, ...fees });
}
