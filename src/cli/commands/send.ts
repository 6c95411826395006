import {
  getAddress,
  isError,
  isHexString,
  type JsonRpcProvider,
  Transaction,
  type TransactionReceipt,
  type TransactionRequest,
} from "ethers";
import { parseAmount } from "../amount.ts";
import { broadcast } from "../broadcast.ts";
import { type Command, KEY_OPTIONS, POLICY_OPTION, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandError, requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { waitForReceipt } from "../receipt.ts";
import { fromNode, requireRpcUrl, withProvider } from "../rpc.ts";
import { confirm, fillIn, requireChain, requireConfirmable, SPENDING_OPTIONS } from "../spending.ts";
import { requireConsistent } from "../transaction-file.ts";

const DEFAULT_WAIT_SECONDS = 300;

export const send: Command = {
  name: "send",
  summary: "send ether, or call a contract, and wait until it is mined",
  details: [
    "Fills the transaction in from the node, signs it, broadcasts it, and waits for its first confirmation. An amount has its",
    "unit: 0.1ether, 25gwei, 1000wei. The node is not trusted: unless its chain is a known test chain, the command shows what",
    "would be sent and asks first; programs pass --yes. A transaction whose fee can exceed --max-fee is refused.",
  ],
  options: {
    ...KEY_OPTIONS,
    ...POLICY_OPTION,
    ...RPC_OPTION,
    to: {
      type: "string",
      value: "ADDRESS",
      help: "the recipient, or the contract; an ENS name, which the node resolves",
    },
    value: { type: "string", value: "AMOUNT", help: "the amount with its unit; default: 0" },
    data: { type: "string", value: "HEX", help: "the call's data" },
    nonce: { type: "string", value: "N", help: "default: the account's next" },
    "gas-limit": { type: "string", value: "N", help: "default: the node's estimate" },
    "max-fee-per-gas": { type: "string", value: "AMOUNT", help: "with its unit; default: by the node" },
    "max-priority-fee-per-gas": { type: "string", value: "AMOUNT", help: "with its unit; default: by the node" },
    ...SPENDING_OPTIONS,
    wait: {
      type: "string",
      value: "SECONDS",
      help: `how long to wait for a block; 0 does not wait; default: ${DEFAULT_WAIT_SECONDS}`,
    },
  },
  examples: [
    "send --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 0.1ether --rpc http://127.0.0.1:8545",
    "send --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 1ether --chain-id 1 --yes --json   # for programs",
    "send --to 0x5FbDB2315678afecb367f032d93F642f64180aa3 --data 0xd0e30db0 --value 25gwei",
  ],
  run: async (context) => {
    const url = requireRpcUrl(context);
    const { to, ...request } = readRequest(context);
    const wait = context.count("wait", 86_400) ?? DEFAULT_WAIT_SECONDS;
    return withProvider(context, url, async (provider) => {
      const { chainId } = await provider.getNetwork();
      requireChain(context, chainId, "the node", "sent");
      requireConfirmable(context, chainId, "sent");
      const recipient = await resolveRecipient(provider, to);
      return withSigner(context, provider, async (signer) => {
        const filled = await fillIn(context, signer, { ...request, to: recipient });
        await confirm(context, filled, await signer.getAddress(), "sent");
        const raw = await signer.signTransaction(filled);
        const signed = Transaction.from(raw);
        await broadcast(provider, raw, signed.hash as string);
        if (!context.json) context.terminal.note(`sent ${signed.hash}`);
        const receipt = wait === 0 ? null : await waitForReceipt(provider, signed.hash as string, wait);
        return report(context, signed, receipt);
      });
    });
  },
};

function readRequest(context: Context): TransactionRequest & { readonly to: string } {
  const [data, nonce, gasLimit] = [context.text("data"), context.count("nonce"), context.count("gas-limit")];
  requireUsage(data === undefined || isHexString(data, true), "--data must be 0x and pairs of hexadecimal digits");
  const amount = (name: string) => {
    const text = context.text(name);
    return text === undefined ? undefined : parseAmount(name, text);
  };
  const fees = { maxFeePerGas: amount("max-fee-per-gas"), maxPriorityFeePerGas: amount("max-priority-fee-per-gas") };
  const to = context.requireText("to");
  const isPlausible = /^0x[\da-f]{40}$/i.test(to) || (to.includes(".") && !to.startsWith("0x"));
  requireUsage(isPlausible, "--to must be an address of 0x and 40 digits, or an ENS name");
  const all = { value: amount("value") ?? 0n, data, nonce, gasLimit, ...fees };
  const request = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  requireConsistent(request);
  return { ...request, to };
}

/** @throws ethers' INVALID_ARGUMENT for a wrong checksum; CommandError USAGE if the chain has no ENS, NAME_NOT_FOUND. */
async function resolveRecipient(provider: JsonRpcProvider, to: string): Promise<string> {
  if (to.startsWith("0x")) return getAddress(to);
  const { chainId, plugins } = await provider.getNetwork();
  requireUsage(plugins.length > 0, `chain ${chainId} has no ENS: pass the recipient's address as --to`);
  const address = await fromNode("address for the name", async () => {
    try {
      return await provider.resolveName(to);
    } catch (error) {
      // ENS's universal resolver reverts for a name that is not registered.
      if (isError(error, "CALL_EXCEPTION")) return null;
      throw error;
    }
  });
  if (address !== null) return address;
  throw new CommandError(
    "NAME_NOT_FOUND",
    "the name of --to has no address on this chain",
    "pass the recipient's address",
  );
}

function report(context: Context, transaction: Transaction, receipt: TransactionReceipt | null): number {
  const { hash, from, to, value, chainId, nonce } = transaction;
  const status = receipt === null ? "pending" : receipt.status === 1 ? "success" : "failed";
  const mined = { blockNumber: receipt?.blockNumber ?? null, gasUsed: receipt?.gasUsed ?? null };
  const where = receipt === null ? "pending" : `${status} in block ${receipt.blockNumber}, gas ${receipt.gasUsed}`;
  context.result({ hash, status, from, to, value, chainId, nonce, ...mined }, [`${hash}  ${where}`]);
  return status === "failed" ? EXIT.chain : EXIT.ok;
}
