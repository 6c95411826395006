import { formatEther, formatUnits, Transaction } from "ethers";
import { type NonceSigner, withNonces } from "../../nonces/nonce-signer.ts";
import type { NonceRecord } from "../../nonces/store.ts";
import { parseAmount } from "../amount.ts";
import { describeChain, isTestChain } from "../chains.ts";
import { type Command, KEY_OPTIONS, POLICY_OPTION, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandError, requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { NONCE_STORE_OPTIONS, withNonceStore } from "../nonce-store.ts";
import { requireRpcUrl, withProvider } from "../rpc.ts";
import { highestFee, requireChain, requireConfirmable } from "../spending.ts";

const ACTIONS = ["status", "reconcile", "replace", "cancel"] as const;

export const nonces: Command = {
  name: "nonces",
  argument: "status|reconcile|replace|cancel",
  summary: "show and repair the nonces of an account that several processes send from",
  details: [
    "status lists what is signed, accepted, mined or vacant in the nonce store; reconcile compares it with the chain, and broadcasts",
    "again what no node has, byte for byte. replace and cancel sign once more with the nonce of --hash, and fees that every client",
    "accepts for a replacement; the command shows the old and the new ones first. What may cost fees is asked for, unless the chain is a",
    "test chain; programs pass --yes.",
  ],
  options: {
    ...KEY_OPTIONS,
    ...POLICY_OPTION,
    ...RPC_OPTION,
    ...NONCE_STORE_OPTIONS,
    hash: { type: "string", value: "HASH", help: "replace, cancel: the transaction" },
    "max-fee-per-gas": { type: "string", value: "AMOUNT", help: "replace, cancel: the most to pay, with its unit" },
    fill: { type: "boolean", help: "reconcile: send the account 0 wei with each vacant nonce below others" },
    "chain-id": { type: "string", value: "N", help: "refuse every other chain" },
    yes: { type: "boolean", short: "y", help: "do not ask on chains that are not test chains" },
  },
  examples: [
    "nonces status --store postgres://127.0.0.1/treasury",
    "nonces reconcile --fill --yes --json   # for programs, from a schedule",
    "nonces cancel --hash 0x5c50…b060 --max-fee-per-gas 80gwei",
  ],
  run: async (context) => {
    const action = ACTIONS.find((each) => each === context.requireArgument("the action"));
    requireUsage(action, `the action must be one of ${ACTIONS.join(", ")}`);
    const replacement =
      action === "replace" || action === "cancel" ? { action, ...readReplacement(context) } : undefined;
    const url = requireRpcUrl(context);
    return withNonceStore(context, (store) =>
      withProvider(context, url, async (provider) => {
        const { chainId } = await provider.getNetwork();
        requireChain(context, chainId, "the node", "sent");
        if (replacement || context.flag("fill")) requireConfirmable(context, chainId, "sent");
        return withSigner(context, provider, async (key) => {
          const signer = withNonces(key, store, { timeout: context.timeout });
          if (replacement) return replace(context, signer, replacement);
          if (action === "reconcile") {
            const fill = context.flag("fill");
            if (fill) await confirm(context, chainId, `fill vacant nonces of ${await signer.getAddress()}`);
            await signer.reconcile({ fill });
          }
          await report(context, signer);
          return EXIT.ok;
        });
      }),
    );
  },
};

function readReplacement(context: Context): Omit<Replacement, "action"> {
  const hash = context.requireText("hash");
  requireUsage(/^0x[\da-f]{64}$/.test(hash), "--hash must be 0x and 64 hexadecimal digits in lower case");
  // Without it, a node that suggests a price would set it.
  return { hash, maxFeePerGas: parseAmount("max-fee-per-gas", context.requireText("max-fee-per-gas")) };
}

interface Replacement {
  readonly action: "replace" | "cancel";
  readonly hash: string;
  readonly maxFeePerGas: bigint;
}

async function replace(context: Context, signer: NonceSigner, wanted: Replacement): Promise<number> {
  const { action, maxFeePerGas } = wanted;
  const shown: { readonly replacement: Costs; readonly replaced: Costs }[] = [];
  const { hash, nonce } = await signer[action](wanted.hash, {
    maxFeePerGas,
    confirm: async (next, previous) => {
      const costs = { replaced: costsOf(previous), replacement: costsOf(next) };
      shown.push(costs);
      await confirm(context, next.chainId, `${action} nonce ${next.nonce}`, compare(costs));
    },
  });
  context.result({ hash, nonce, ...shown[0] }, [`${hash}  nonce ${nonce}`]);
  return EXIT.ok;
}

type Costs = ReturnType<typeof costsOf>;

/** Fees in gwei; amounts in wei. A legacy transaction's price is both its cap and its tip. */
function costsOf(transaction: Transaction) {
  const { hash, to, value, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } = transaction;
  const gwei = (fee: bigint | null) => (fee === null ? null : formatUnits(fee, "gwei"));
  return {
    // A replacement has none before it is signed.
    ...(hash === null ? {} : { hash }),
    to,
    value,
    gasLimit,
    maxFeePerGasGwei: gwei(maxFeePerGas ?? gasPrice),
    maxPriorityFeePerGasGwei: gwei(maxPriorityFeePerGas ?? gasPrice),
    maxFeePerBlobGasGwei: gwei(maxFeePerBlobGas),
    highestCost: value + highestFee(transaction),
  };
}

function compare({ replaced, replacement }: { readonly replaced: Costs; readonly replacement: Costs }): string[] {
  const row = (name: string, text: (costs: Costs) => string) => [name, text(replaced), text(replacement)];
  const hasBlobs = replacement.maxFeePerBlobGasGwei !== null;
  return table([
    ["", "pending", "replacement"],
    row("to", ({ to }) => to ?? "a new contract"),
    row("value", ({ value }) => `${formatEther(value)} ether`),
    row("max fee per gas", ({ maxFeePerGasGwei }) => `${maxFeePerGasGwei} gwei`),
    row("priority fee per gas", ({ maxPriorityFeePerGasGwei }) => `${maxPriorityFeePerGasGwei} gwei`),
    ...(hasBlobs ? [row("max fee per blob gas", ({ maxFeePerBlobGasGwei }) => `${maxFeePerBlobGasGwei} gwei`)] : []),
    row("highest cost", ({ highestCost }) => `${formatEther(highestCost)} ether`),
  ]);
}

async function confirm(context: Context, chainId: bigint, what: string, details: string[] = []): Promise<void> {
  const isAsked = !isTestChain(chainId) && !context.flag("yes");
  if (isAsked || !context.json) for (const line of details) context.terminal.note(line);
  if (!isAsked) return;
  const answer = await context.terminal.ask(`${what} on ${describeChain(chainId)}? Type yes: `);
  if (answer.trim() !== "yes") throw new CommandError("DECLINED", "not confirmed: nothing was sent");
}

async function report(context: Context, signer: NonceSigner): Promise<void> {
  const [{ next, open }, address] = await Promise.all([signer.records(), signer.getAddress()]);
  const records = open.map(describe);
  const rows = records.map(({ nonce, state, hash, attempts, to, value, idempotencyKey }) => {
    const what = `${value} wei to ${to ?? "a new contract"}`;
    return [`${nonce}`, state, hash, `${attempts}`, idempotencyKey ?? "-", what];
  });
  const lines = table([["nonce", "state", "hash", "attempts", "key", "payment"], ...rows]);
  const summary = `${address}: ${records.length} open, next nonce ${next}`;
  context.result({ address, next, records }, records.length === 0 ? [summary] : [summary, "", ...lines]);
}

function describe({ nonce, state, key, attempts, minedHash, createdAt, updatedAt, id }: NonceRecord) {
  const { raw, hash } = attempts.find((attempt) => attempt.hash === minedHash) ??
    attempts.at(-1) ?? { hash: id, raw: "" };
  const { to, value } = Transaction.from(raw);
  const times = { createdAt: new Date(createdAt).toISOString(), updatedAt: new Date(updatedAt).toISOString() };
  return { nonce, state, hash, attempts: attempts.length, to, value, idempotencyKey: key, ...times };
}

/** Lines of cells in columns, with two blanks between them. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
