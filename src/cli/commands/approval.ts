import { quoteName, render } from "../../approvals/display.ts";
import {
  mergeApprovals,
  parseApprovalRequest,
  parseQuorumApproval,
  parseQuorumTokenFile,
  type QuorumApproval,
  type QuorumTokenFile,
  serializeQuorumTokenFile,
  type VerifiedRequest,
} from "../../approvals/index.ts";
import { isSignerError } from "../../core/errors.ts";
import { EXPECTATIONS, KNOWLEDGE, readExpectations, readPairs } from "../approval-options.ts";
import { writeNew } from "../approval-output.ts";
import { writePage } from "../approval-page.ts";
import { signRequest } from "../approval-sign.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandError, requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";

const ACTIONS = { show, sign: signRequest, verify, merge, page: writePage };

export const approval: Command = {
  name: "approval",
  argument: "show|sign|verify|merge|page [REQUEST] [APPROVAL …]",
  summary: "show, approve and merge what a quorum of people must approve, without an HSM",
  details: [
    "show prints what a request for approval would sign, and what to beware of. sign shows it, asks for the digest's first and last",
    "four characters, signs with the approver's RSA-2048 key, and prints the approval. verify checks approvals of others; merge makes",
    "the token file of the CloudHSM CLI of a request, or of such a file, and approvals. - is the standard input. Which account and",
    "chain are expected the approver knows from elsewhere. Exit code 1 says: do not approve, or that an approval is not valid. page",
    "writes a page that does what show and sign do in a browser, without a network.",
  ],
  options: {
    ...EXPECTATIONS,
    ...KNOWLEDGE,
    user: { type: "string", value: "NAME", help: "sign: the approver's name in the HSM" },
    key: {
      ...{ type: "string", value: "KEY" },
      help: "sign: the approver's RSA-2048 private key: a PEM file, a pkcs11: URI, or ssh-agent:SHA256:…",
    },
    digest: { type: "string", value: "HEX", help: "sign: the digest that you know from elsewhere, in place of typing" },
    approver: {
      ...{ type: "string", value: "NAME=FILE", multiple: true },
      help: "verify, merge: a registered public key, as PEM; once for each approver",
    },
    required: { type: "string", value: "M", help: "verify, merge: how many approvals are needed" },
    out: { type: "string", value: "FILE", help: "sign, merge, page: write there, to a new file" },
    serve: { type: "boolean", help: "page: serve it at 127.0.0.1 until interrupted" },
  },
  examples: [
    "approval show request.json --account 0x2c7536E3605D9C16a7a3D7b1898e529396a65c23 --chain-id 1",
    "approval sign request.json --account 0x2c75…5c23 --chain-id 1 --user bob --key bob.pem --out bob.approval.json",
    "approval sign request.json --account 0x2c75…5c23 --chain-id 1 --user bob --key ssh-agent:",
    "approval verify request.json bob.approval.json --any-account --any-chain --approver bob=bob.pub.pem",
    "approval page --out approve.html",
    "approval merge token.json alice.approval.json bob.approval.json --required 2 --out approved.json",
  ],
  run: async (context) => {
    const [action = "", ...files] = context.arguments;
    requireUsage(Object.hasOwn(ACTIONS, action), `the action must be one of ${Object.keys(ACTIONS).join(", ")}`);
    const [request = "", ...approvals] = files;
    requireUsage(
      (request === "") === (action === "page"),
      action === "page" ? "page takes no file" : "REQUEST is missing",
    );
    requireUsage(approvals.length === 0 || action === "verify" || action === "merge", `${action} takes one REQUEST`);
    try {
      return await ACTIONS[action as keyof typeof ACTIONS](context, request, approvals);
    } catch (error) {
      if (!isSignerError(error) || error.info?.["reason"] === undefined) throw error;
      throw new CommandError("CHECK_FAILED", error.message);
    }
  },
};

async function show(context: Context, file: string): Promise<number> {
  const { lines, summary, warnings, request, chainId, content } = await readExpectations(context, file);
  const { id, account, digest, expiresAt } = request;
  context.result({ id, account, chainId: chainId ?? null, digest, expiresAt, warnings, lines, content }, [
    ...summary.split("\n"),
  ]);
  return EXIT.ok;
}

async function verify(context: Context, file: string, files: readonly string[]): Promise<number> {
  const { request }: VerifiedRequest = await readExpectations(context, file);
  requireUsage(files.length > 0, "APPROVAL is missing");
  const users = await readApprovers(context);
  requireUsage(users !== undefined, "--approver is missing: the approvers' public keys tell whose an approval is");
  const required = context.count("required") ?? 0;
  let merged: QuorumTokenFile = { ...request.token, signatures: [] };
  const results = [];
  for (const each of await readApprovals(context, files)) {
    const { username } = each;
    try {
      merged = mergeApprovals(merged, [each], { users });
      results.push({ username, valid: true, reason: null });
    } catch (error) {
      if (!isSignerError(error)) throw error;
      results.push({ username, valid: false, reason: error.message });
    }
  }
  const valid = results.every((each) => each.valid) && merged.signatures.length >= required;
  const count = `${merged.signatures.length} valid approvals${required > 0 ? ` of ${required} required` : ""}`;
  context.result({ valid, count: merged.signatures.length, required, digest: request.digest, approvals: results }, [
    ...results.flatMap(({ username, reason }) =>
      render([reason === null ? ["valid", quoteName(username)] : ["NOT valid", reason]]).split("\n"),
    ),
    count,
  ]);
  return valid ? EXIT.ok : EXIT.failedCheck;
}

async function merge(context: Context, file: string, files: readonly string[]): Promise<number> {
  const token = readToken(await context.read(file, "REQUEST"));
  const approvals = await readApprovals(context, files);
  const required = context.count("required");
  const merged = mergeApprovals(token, approvals, { users: await readApprovers(context), required });
  const text = serializeQuorumTokenFile(merged);
  const out = context.text("out");
  if (out === undefined) context.result(merged, text.trimEnd().split("\n"));
  else {
    await writeNew(out, text);
    const names = merged.signatures.map(({ username }) => username);
    context.result({ approvals: names }, render([["merged", names.map(quoteName).join(", ")]]).split("\n"));
  }
  return EXIT.ok;
}

/** Of a request, or the file of the CLI itself. */
function readToken(text: string): QuorumTokenFile {
  try {
    return parseQuorumTokenFile(text);
  } catch (error) {
    if (isSignerError(error)) throw error;
    return parseApprovalRequest(text).token;
  }
}

async function readApprovals(context: Context, files: readonly string[]): Promise<readonly QuorumApproval[]> {
  const approvals: QuorumApproval[] = [];
  for (const file of files) approvals.push(parseQuorumApproval(await context.read(file, "APPROVAL")));
  return approvals;
}

async function readApprovers(context: Context): Promise<Record<string, string> | undefined> {
  const pairs = readPairs(context, "approver", "NAME=FILE");
  if (pairs.length === 0) return undefined;
  const keys = pairs.map(async ([name, file]) => [name, await context.read(file, "--approver")] as const);
  return Object.fromEntries(await Promise.all(keys));
}
