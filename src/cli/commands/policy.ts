import { getAddress, isAddress, Transaction, toUtf8Bytes } from "ethers";
import type { SigningPayload } from "../../signer/payload.ts";
import { toSignRequest } from "../../signer/read-request.ts";
import { type Command, POLICY_OPTION } from "../command.ts";
import type { Context } from "../context.ts";
import { requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { readPolicy } from "../policy-file.ts";
import { readTransaction, requireComplete } from "../transaction-file.ts";
import { readTypedData } from "../typed-data.ts";

export const policy: Command = {
  name: "policy",
  argument: "explain FILE",
  summary: "say what a policy would decide, and why; it signs nothing",
  details: [
    "FILE holds a transaction with all of its fields, as sign-tx reads it; with --typed-data the JSON of eth_signTypedData_v4, with",
    "--message the text of a message; - is the standard input. It needs no key and no node, asks for no approval and holds nothing of",
    "limits. The module of --policy is code, and is run. Exit code 1 says that the request is denied.",
  ],
  options: {
    ...POLICY_OPTION,
    account: { type: "string", value: "ADDRESS", help: "the account that would sign" },
    "typed-data": { type: "boolean", help: "FILE holds typed data" },
    message: { type: "boolean", help: "FILE holds a message" },
  },
  examples: [
    "policy explain transaction.json --policy treasury.mjs --account 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "policy explain permit.json --typed-data --policy treasury.mjs --account 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  ],
  run: async (context) => {
    const [action, file] = context.requireArguments(["the action", "FILE"]);
    requireUsage(action === "explain", "the action must be explain");
    const account = context.requireText("account");
    requireUsage(isAddress(account), "--account must be an address");
    context.requireText("policy");
    const payload = await readPayload(context, file);
    const found = await readPolicy(context);
    requireUsage(
      typeof found?.explain === "function",
      "the policy of --policy has no explain(): definePolicy() makes one that has",
    );
    const request = toSignRequest(getAddress(account), payload);
    const evaluation = found.evaluate(request);
    context.result({ policyId: found.id, mode: found.mode, ...evaluation }, found.explain(request).split("\n"));
    return evaluation.outcome === "allow" ? EXIT.ok : EXIT.failedCheck;
  },
};

async function readPayload(context: Context, file: string): Promise<SigningPayload> {
  const isTypedData = context.flag("typed-data");
  const isMessage = context.flag("message");
  requireUsage(!(isTypedData && isMessage), "--typed-data and --message exclude each other");
  if (isMessage) return { type: "message", message: toUtf8Bytes(await context.read(file, "FILE")) };
  if (isTypedData) {
    const { domain, types, message } = await readTypedData(context, file, "FILE");
    return { type: "typed-data", domain, types, value: message };
  }
  const { from: _, ...fields } = await readTransaction(context, file);
  requireComplete(fields);
  return { type: "transaction", unsigned: Transaction.from(fields).unsignedSerialized };
}
