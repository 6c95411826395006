import { approveQuorumToken, serializeQuorumApproval, type VerifiedRequest } from "../approvals/index.ts";
import { findApprovalKey } from "./approval-key.ts";
import { readExpectations } from "./approval-options.ts";
import { writeNew } from "./approval-output.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

const SHOWN = 4;

/** Shows a request, asks, and signs its token. */
export async function signRequest(context: Context, file: string): Promise<number> {
  const user = context.requireText("user");
  const open = await findApprovalKey(context);
  const verified = await readExpectations(context, file);
  await confirm(context, verified);
  const { key, publicKey, close } = await open();
  // It was verified a moment ago, by the options of the command.
  const any = { expectedAccount: false, expectedChainId: false, allowBareDigest: true } as const;
  const approval = await approveQuorumToken(verified.request, user, key, { ...any, publicKey }).finally(close);
  const text = serializeQuorumApproval(approval);
  const out = context.text("out");
  if (out === undefined) context.result({ ...approval }, text.trimEnd().split("\n"));
  else {
    await writeNew(out, text);
    context.result({ username: user, digest: verified.digest }, [`${user} approved ${verified.digest}`]);
  }
  return EXIT.ok;
}

async function confirm(context: Context, { summary, digest }: VerifiedRequest): Promise<void> {
  const given = context.text("digest");
  if (given !== undefined) {
    if (given.toLowerCase() === digest) return;
    throw new CommandError("CHECK_FAILED", `the request is for the digest ${digest}, not for that of --digest`);
  }
  const { terminal } = context;
  if (!terminal.isInteractive) {
    throw new CommandError("DECLINED", "there is no terminal to ask at: pass --digest, as you know it from elsewhere");
  }
  for (const line of summary.split("\n")) terminal.note(line);
  const question = `Compare the digest with what you were told. To sign, type its first and last ${SHOWN} characters after 0x: `;
  const typed = (await terminal.ask(question)).toLowerCase().replace(/[\s.…-]|^0x/g, "");
  const expected = digest.slice(2, 2 + SHOWN) + digest.slice(-SHOWN);
  if (typed !== expected)
    throw new CommandError("DECLINED", "these are not the digest's characters: nothing was signed");
}
