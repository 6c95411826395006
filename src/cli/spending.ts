import { formatEther, parseEther, Transaction, type TransactionLike, type TransactionRequest } from "ethers";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { parseAmount } from "./amount.ts";
import { describeChain, isTestChain } from "./chains.ts";
import type { OptionTable } from "./command.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";
import { fromNode } from "./rpc.ts";

const DEFAULT_MAX_FEE = parseEther("0.1");
/** EIP-4844, section "Parameters": GAS_PER_BLOB. */
const GAS_PER_BLOB = 131_072n;
const MAX_DATA_SHOWN = 130;

/** The options that bound what a node, or a file, can make the key sign. */
export const SPENDING_OPTIONS: OptionTable = {
  "chain-id": { type: "string", value: "N", help: "refuse every other chain" },
  "max-fee": {
    type: "string",
    value: "AMOUNT",
    help: "refuse a transaction whose fee can be higher; default: 0.1ether",
  },
  yes: { type: "boolean", short: "y", help: "do not ask on chains that are not test chains" },
};

/** What the command does with a transaction, for its messages. */
type Action = "sent" | "signed";

/** @throws CommandError USAGE unless the chain is that of `--chain-id`, if given. */
export function requireChain(context: Context, chainId: bigint, whose: string, action: Action): void {
  const wanted = context.count("chain-id");
  const isRight = wanted === undefined || BigInt(wanted) === chainId;
  requireUsage(isRight, `${whose} is on chain ${chainId}, not on --chain-id ${wanted}: nothing was ${action}`);
}

/** Asked before the key is opened. @throws CommandError DECLINED if the chain needs a confirmation, which nothing can give. */
export function requireConfirmable(context: Context, chainId: bigint, action: Action): void {
  if (isTestChain(chainId) || context.flag("yes") || context.terminal.isInteractive) return;
  const reason = `this is ${describeChain(chainId)}, and there is no terminal to ask at: nothing was ${action}`;
  throw new CommandError("DECLINED", `${reason}; pass --yes`);
}

/**
 * The unsigned transaction, in which the node filled in whatever `request` leaves open. `request` was checked before, so what
 * ethers refuses here came from the node.
 *
 * @throws CommandError NODE_RESPONSE_INVALID, FEE_TOO_HIGH.
 */
export async function fillIn(
  context: Context,
  signer: RemoteSigner,
  request: TransactionRequest,
): Promise<Transaction> {
  const transaction = await fromNode("transaction", async () => {
    const { from: _from, ...filled } = await signer.populateTransaction(request);
    return Transaction.from(filled as TransactionLike<string>);
  });
  requireFee(context, transaction);
  return transaction;
}

/** @throws CommandError FEE_TOO_HIGH if the transaction can cost more than `--max-fee`. */
export function requireFee(context: Context, transaction: Transaction): void {
  const given = context.text("max-fee");
  const ceiling = given === undefined ? DEFAULT_MAX_FEE : parseAmount("max-fee", given);
  const fee = highestFee(transaction);
  if (fee <= ceiling) return;
  const reason = `the fee can be ${formatEther(fee)} ether, which is more than the ${formatEther(ceiling)} ether of --max-fee`;
  throw new CommandError(
    "FEE_TOO_HIGH",
    reason,
    "nothing was signed; check gas limit and fees, or pass a higher --max-fee",
  );
}

/** Shows what will be signed, and asks, unless the chain is a test chain. @throws CommandError DECLINED. */
export async function confirm(context: Context, transaction: Transaction, from: string, action: Action): Promise<void> {
  const { to, value, data, nonce, chainId, authorizationList } = transaction;
  if (isTestChain(chainId)) return;
  const delegates = authorizationList?.map(({ address }) => address) ?? [];
  const lines = {
    chain: describeChain(chainId).slice("chain ".length),
    from: `${from}, nonce ${nonce}`,
    to: to ?? "a new contract",
    value: `${formatEther(value)} ether`,
    data: data === "0x" ? undefined : shorten(data),
    delegates: delegates.length === 0 ? undefined : delegates.join(", "),
    fee: `${formatEther(highestFee(transaction))} ether at most`,
  };
  for (const [name, text] of Object.entries(lines)) {
    if (text !== undefined) context.terminal.note(`${name.padEnd(8)}${text}`);
  }
  if (context.flag("yes")) return;
  const answer = await context.terminal.ask(
    `${action === "sent" ? "Send" : "Sign"} this on ${describeChain(chainId)}? Type yes: `,
  );
  if (answer.trim() !== "yes") throw new CommandError("DECLINED", `not confirmed: nothing was ${action}`);
}

/** In wei: the gas limit at the highest price, and that of blobs. A rollup's fee for its data is not part of it. */
export function highestFee(transaction: Transaction): bigint {
  const { gasLimit, gasPrice, maxFeePerGas, maxFeePerBlobGas, blobVersionedHashes } = transaction;
  const blobGas = BigInt(blobVersionedHashes?.length ?? 0) * GAS_PER_BLOB;
  return gasLimit * (maxFeePerGas ?? gasPrice ?? 0n) + blobGas * (maxFeePerBlobGas ?? 0n);
}

function shorten(data: string): string {
  if (data.length <= MAX_DATA_SHOWN) return data;
  return `${data.slice(0, MAX_DATA_SHOWN)}… (${data.length / 2 - 1} bytes)`;
}
