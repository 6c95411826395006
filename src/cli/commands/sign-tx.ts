import { Transaction, type TransactionRequest } from "ethers";
import type { RemoteSigner } from "../../signer/remote-signer.ts";
import { type Command, KEY_OPTIONS, RPC_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { rpcUrlOf, withProvider } from "../rpc.ts";
import { readTransaction, requireComplete } from "../transaction-file.ts";
import { requireUsage } from "../usage-error.ts";

export const signTx: Command = {
  name: "sign-tx",
  summary: "sign a transaction, and send nothing",
  argument: "FILE",
  details: [
    "FILE holds a JSON object with the fields of ethers or of JSON-RPC, amounts in wei; or an unsigned serialization as hex;",
    "- is the standard input. Without a node nothing is filled in: chainId, nonce, gasLimit and the fees must be there. With",
    "--rpc what is absent is asked of the node. Prints the signed transaction for eth_sendRawTransaction.",
  ],
  options: { ...KEY_OPTIONS, ...RPC_OPTION },
  examples: [
    "sign-tx transaction.json --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "sign-tx - --rpc http://127.0.0.1:8545 --json < transaction.json",
  ],
  run: async (context) => {
    const url = context.text("rpc") === undefined ? undefined : rpcUrlOf(context);
    const request = await readTransaction(context, context.requireArgument("FILE"));
    if (url === undefined) {
      requireComplete(request);
      return withSigner(context, null, (signer) => sign(context, signer, request));
    }
    return withProvider(url, (provider) =>
      withSigner(context, provider, async (signer) => {
        const { from: _from, ...filled } = await signer.populateTransaction(request);
        return sign(context, signer, filled);
      }),
    );
  },
};

async function sign(context: Context, signer: RemoteSigner, request: TransactionRequest): Promise<number> {
  const raw = await signer.signTransaction(request);
  const { hash, from, chainId, nonce } = Transaction.from(raw);
  requireUsage(hash !== null, "the transaction has no hash");
  context.result({ from, hash, chainId, nonce, raw }, [raw]);
  return EXIT.ok;
}
