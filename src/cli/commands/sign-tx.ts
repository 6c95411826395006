import { Transaction } from "ethers";
import type { RemoteSigner } from "../../signer/remote-signer.ts";
import { type Command, KEY_OPTIONS, POLICY_OPTION, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { rpcUrlOf, withProvider } from "../rpc.ts";
import { confirm, fillIn, requireChain, requireConfirmable, requireFee, SPENDING_OPTIONS } from "../spending.ts";
import { readTransaction, requireComplete } from "../transaction-file.ts";

export const signTx: Command = {
  name: "sign-tx",
  summary: "sign a transaction, and send nothing",
  argument: "FILE",
  details: [
    "FILE contains a JSON object with the fields of ethers or of JSON-RPC, amounts in wei; or an unsigned serialization as hex;",
    "- is the standard input. Without a node nothing is filled in: chainId, nonce, gasLimit and the fees must be present. With",
    "--rpc the node fills in what is absent; unless its chain is a known test chain, the command shows what would be signed and",
    "asks first. Prints the signed transaction for eth_sendRawTransaction.",
  ],
  options: {
    ...KEY_OPTIONS,
    ...POLICY_OPTION,
    ...RPC_OPTION,
    ...SPENDING_OPTIONS,
    "allow-unprotected": {
      type: "boolean",
      help: "sign a legacy transaction of chainId 0, which is valid on every chain",
    },
  },
  examples: [
    "sign-tx transaction.json --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "sign-tx - --rpc http://127.0.0.1:8545 --json < transaction.json",
  ],
  run: async (context) => {
    const url = context.text("rpc") === undefined ? undefined : rpcUrlOf(context);
    const { from, ...fields } = await readTransaction(context, context.requireArgument("FILE"));
    if (url === undefined) {
      requireComplete(fields);
      const transaction = Transaction.from(fields);
      requireChain(context, transaction.chainId, "the transaction", "signed");
      requireProtection(context, transaction);
      requireFee(context, transaction);
      return withSigner(context, null, async (signer) => {
        requireSender(from, await signer.getAddress());
        return sign(context, signer, transaction);
      });
    }
    return withProvider(context, url, async (provider) => {
      const { chainId } = await provider.getNetwork();
      requireChain(context, chainId, "the node", "signed");
      const isSame = fields.chainId === undefined || fields.chainId === chainId;
      requireUsage(isSame, `the node is on chain ${chainId}, not on chain ${fields.chainId} of the transaction`);
      requireConfirmable(context, chainId, "signed");
      return withSigner(context, provider, async (signer) => {
        const address = await signer.getAddress();
        requireSender(from, address);
        const transaction = await fillIn(context, signer, fields);
        await confirm(context, transaction, address, "signed");
        return sign(context, signer, transaction);
      });
    });
  },
};

function requireSender(from: string | undefined, address: string): void {
  const message = `transaction from address mismatch: the key's address is ${address}`;
  requireUsage(from === undefined || from === address, message);
}

/** EIP-155. @throws CommandError USAGE for chainId 0 without `--allow-unprotected`, or of a type that requires a chain. */
function requireProtection(context: Context, transaction: Transaction): void {
  if (transaction.chainId !== 0n) return;
  requireUsage(transaction.inferType() === 0, "chainId is 0, which no chain has");
  const message =
    "chainId is 0: the signed transaction would be valid on every chain; pass --allow-unprotected to sign it";
  requireUsage(context.flag("allow-unprotected"), message);
}

async function sign(context: Context, signer: RemoteSigner, transaction: Transaction): Promise<number> {
  const raw = await signer.signTransaction(transaction);
  const { hash, from, chainId, nonce } = Transaction.from(raw);
  context.result({ from, hash, chainId, nonce, raw }, [raw]);
  return EXIT.ok;
}
