import { Transaction } from "ethers";
import { type NonceSigner, withNonces } from "../../nonces/nonce-signer.ts";
import type { NonceRecord } from "../../nonces/store.ts";
import { parseAmount } from "../amount.ts";
import { describeChain, isTestChain } from "../chains.ts";
import { type Command, KEY_OPTIONS, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandError, requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { NONCE_STORE_OPTIONS, withNonceStore } from "../nonce-store.ts";
import { requireRpcUrl, withProvider } from "../rpc.ts";
import { requireChain, requireConfirmable } from "../spending.ts";

const ACTIONS = ["status", "reconcile", "replace", "cancel"] as const;

export const nonces: Command = {
  name: "nonces",
  argument: "status|reconcile|replace|cancel",
  summary: "show and repair the nonces of an account that several processes send from",
  details: [
    "status lists what is signed, accepted, mined or vacant in the nonce store; reconcile compares it with the chain, and broadcasts",
    "again what no node has, byte for byte. replace and cancel sign once more with the nonce of --hash, and fees that every client",
    "accepts for a replacement. What may cost fees is asked for, unless the chain is a test chain; programs pass --yes.",
  ],
  options: {
    ...KEY_OPTIONS,
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
    const replacement = action === "replace" || action === "cancel" ? readReplacement(context) : undefined;
    const url = requireRpcUrl(context);
    return withNonceStore(context, (store) =>
      withProvider(context, url, async (provider) => {
        const { chainId } = await provider.getNetwork();
        requireChain(context, chainId, "the node", "sent");
        const costsFees = replacement !== undefined || context.flag("fill");
        if (costsFees) requireConfirmable(context, chainId, "sent");
        return withSigner(context, provider, async (key) => {
          const signer = withNonces(key, store, { timeout: context.timeout });
          if (costsFees) await confirm(context, chainId, `${action} for ${await signer.getAddress()}`);
          if (replacement && action !== "status" && action !== "reconcile") {
            const { hash, nonce } = await signer[action](replacement.hash, replacement);
            context.result({ hash, nonce }, [`${hash}  nonce ${nonce}`]);
            return EXIT.ok;
          }
          if (action === "reconcile") await signer.reconcile({ fill: context.flag("fill") });
          await report(context, signer);
          return EXIT.ok;
        });
      }),
    );
  },
};

function readReplacement(context: Context): { readonly hash: string; readonly maxFeePerGas: bigint } {
  const hash = context.requireText("hash");
  requireUsage(/^0x[\da-f]{64}$/.test(hash), "--hash must be 0x and 64 hexadecimal digits in lower case");
  // Without it, a node that suggests a price would set it.
  return { hash, maxFeePerGas: parseAmount("max-fee-per-gas", context.requireText("max-fee-per-gas")) };
}

async function confirm(context: Context, chainId: bigint, what: string): Promise<void> {
  if (isTestChain(chainId) || context.flag("yes")) return;
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
  const table = [["nonce", "state", "hash", "attempts", "key", "payment"], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
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
