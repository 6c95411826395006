import { getAddress, isAddress, Transaction, toUtf8Bytes } from "ethers";
import { fromSigningPayload } from "../../approvals/content-digest.ts";
import { decodeContent } from "../../approvals/decode.ts";
import { render } from "../../approvals/display.ts";
import { Knowledge } from "../../approvals/knowledge.ts";
import { contentLines } from "../../approvals/summary.ts";
import type { SigningPayload } from "../../signer/payload.ts";
import { toSignRequest } from "../../signer/read-request.ts";
import { KNOWLEDGE, readKnowledge } from "../approval-options.ts";
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
    "limits. The module of --policy is code, and is run. The request is shown as approvers see it: ABIs and descriptors name what it",
    "means, and allow nothing. Exit code 1 says that the request is denied.",
  ],
  options: {
    ...POLICY_OPTION,
    ...KNOWLEDGE,
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
    const meaning = await describe(context, payload);
    const found = await readPolicy(context);
    requireUsage(
      typeof found?.explain === "function",
      "the policy of --policy has no explain(): definePolicy() makes one that has",
    );
    const request = toSignRequest(getAddress(account), payload);
    const evaluation = found.evaluate(request);
    const document = { policyId: found.id, mode: found.mode, ...evaluation, request: meaning.lines };
    context.result(document, [...found.explain(request).split("\n"), "", ...meaning.text.split("\n")]);
    return evaluation.outcome === "allow" ? EXIT.ok : EXIT.failedCheck;
  },
};

/** What the request means, as approvers see it. It decides nothing. */
async function describe(context: Context, payload: SigningPayload) {
  const knowledge = new Knowledge(await readKnowledge(context));
  const { content } = fromSigningPayload(payload);
  const lines = contentLines(content, decodeContent(content, knowledge), knowledge);
  return { lines, text: render(lines) };
}

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
