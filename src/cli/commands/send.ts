import {
  formatEther,
  isHexString,
  type JsonRpcProvider,
  Transaction,
  type TransactionReceipt,
  type TransactionRequest,
} from "ethers";
import { parseAmount } from "../amount.ts";
import { type Command, KEY_OPTIONS, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { ChainError, DeclinedError, EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { waitForReceipt } from "../receipt.ts";
import { requireRpcUrl, withProvider } from "../rpc.ts";
import { requireUsage } from "../usage-error.ts";

const MAINNET = 1n;
const DEFAULT_WAIT_SECONDS = 300;
/** Errors of ethers, and of Node, that leave it open whether the node has got a request. */
const LOST: ReadonlySet<unknown> = new Set([
  "TIMEOUT",
  "NETWORK_ERROR",
  "SERVER_ERROR",
  "BAD_DATA",
  "ECONNRESET",
  "EPIPE",
]);

export const send: Command = {
  name: "send",
  summary: "send ether, or call a contract, and wait until it is mined",
  details: [
    "Fills the transaction in from the node, signs it, broadcasts it, and waits for its first confirmation. An amount has its",
    "unit: 0.1ether, 25gwei, 1000wei. On Ethereum mainnet (chain 1) it shows what would be sent and asks first; programs pass",
    "--yes. Without a terminal and without --yes nothing is sent there.",
  ],
  options: {
    ...KEY_OPTIONS,
    ...RPC_OPTION,
    to: {
      type: "string",
      value: "ADDRESS",
      help: "the recipient, or the contract; an ENS name where the chain has them",
    },
    value: { type: "string", value: "AMOUNT", help: "the amount with its unit; default: 0" },
    data: { type: "string", value: "HEX", help: "the call's data" },
    nonce: { type: "string", value: "N", help: "default: the account's next" },
    "gas-limit": { type: "string", value: "N", help: "default: the node's estimate" },
    "max-fee-per-gas": { type: "string", value: "AMOUNT", help: "with its unit; default: by the node" },
    "max-priority-fee-per-gas": { type: "string", value: "AMOUNT", help: "with its unit; default: by the node" },
    "chain-id": { type: "string", value: "N", help: "refuse a node of any other chain" },
    wait: {
      type: "string",
      value: "SECONDS",
      help: `how long to wait for a block; 0 does not wait; default: ${DEFAULT_WAIT_SECONDS}`,
    },
    yes: { type: "boolean", short: "y", help: "do not ask on mainnet" },
  },
  examples: [
    "send --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 0.1ether --rpc http://127.0.0.1:8545",
    "send --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 1ether --chain-id 1 --yes --json   # for programs",
    "send --to 0x5FbDB2315678afecb367f032d93F642f64180aa3 --data 0xd0e30db0 --value 25gwei",
  ],
  run: async (context) => {
    const url = requireRpcUrl(context);
    const request = readRequest(context);
    const wait = context.count("wait", 86_400) ?? DEFAULT_WAIT_SECONDS;
    return withProvider(url, async (provider) => {
      const { chainId } = await provider.getNetwork();
      const wanted = context.count("chain-id");
      const right = wanted === undefined || BigInt(wanted) === chainId;
      requireUsage(right, `the node is on chain ${chainId}, not on --chain-id ${wanted}: nothing was sent`);
      // Before the key is opened: nobody needs to log in to be refused.
      if (chainId === MAINNET) requireSomebody(context);
      return withSigner(context, provider, async (signer) => {
        const { from: _from, ...filled } = await signer.populateTransaction(request);
        const unsigned = Transaction.from(filled as Parameters<typeof Transaction.from>[0]);
        if (chainId === MAINNET) await confirm(context, unsigned, await signer.getAddress());
        const raw = await signer.signTransaction(filled);
        const hash = await broadcast(provider, raw);
        if (!context.json) context.terminal.note(`sent ${hash}`);
        const receipt = wait === 0 ? null : await waitForReceipt(provider, hash, wait);
        return report(context, Transaction.from(raw), receipt);
      });
    });
  },
};

function readRequest(context: Context): TransactionRequest {
  const [data, nonce, gasLimit] = [context.text("data"), context.count("nonce"), context.count("gas-limit")];
  requireUsage(data === undefined || isHexString(data, true), "--data must be 0x and pairs of hexadecimal digits");
  const amount = (name: string) => {
    const text = context.text(name);
    return text === undefined ? undefined : parseAmount(name, text);
  };
  const fees = { maxFeePerGas: amount("max-fee-per-gas"), maxPriorityFeePerGas: amount("max-priority-fee-per-gas") };
  const request = { to: context.requireText("to"), value: amount("value") ?? 0n, data, nonce, gasLimit, ...fees };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

/**
 * The transaction's hash, once the node has taken it.
 *
 * @throws ChainError with the hash where the connection was lost: the node may have it. What the node itself answers is passed on.
 */
async function broadcast(provider: JsonRpcProvider, raw: string): Promise<string> {
  const { hash } = Transaction.from(raw);
  try {
    await provider.broadcastTransaction(raw);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!LOST.has(code)) throw error;
    throw new ChainError(
      `the connection to the node was lost (${code}) while ${hash} was sent: it may be there, so look for it before you send again`,
    );
  }
  return hash as string;
}

function requireSomebody(context: Context): void {
  if (context.flag("yes") || context.terminal.isInteractive) return;
  throw new DeclinedError("this is Ethereum mainnet, and there is no terminal to ask at: nothing was sent; pass --yes");
}

async function confirm(context: Context, transaction: Transaction, from: string): Promise<void> {
  const { to, value, data, nonce, gasLimit, maxFeePerGas, gasPrice } = transaction;
  // ethers has one of them for each type of transaction.
  const highest = gasLimit * ((maxFeePerGas ?? gasPrice) as bigint);
  for (const line of [
    `from    ${from}, nonce ${nonce}`,
    `to      ${to}`,
    `value   ${formatEther(value)} ether`,
    ...(data === "0x" ? [] : [`data    ${data}`]),
    `fee     ${formatEther(highest)} ether at most`,
  ]) {
    context.terminal.note(line);
  }
  if (context.flag("yes")) return;
  const answer = await context.terminal.ask("Send this on Ethereum mainnet? Type yes: ");
  if (answer.trim() !== "yes") throw new DeclinedError("not confirmed: nothing was sent");
}

function report(context: Context, transaction: Transaction, receipt: TransactionReceipt | null): number {
  const { hash, from, to, value, chainId, nonce } = transaction;
  const status = receipt === null ? "pending" : receipt.status === 1 ? "success" : "failed";
  const mined = { blockNumber: receipt?.blockNumber ?? null, gasUsed: receipt?.gasUsed ?? null };
  const where = receipt === null ? "pending" : `${status} in block ${receipt.blockNumber}, gas ${receipt.gasUsed}`;
  context.result({ hash, status, from, to, value, chainId, nonce, ...mined }, [`${hash}  ${where}`]);
  return status === "failed" ? EXIT.chain : EXIT.ok;
}
