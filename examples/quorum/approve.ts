// One approver, in a terminal of their own: waits for a request in the folder, checks it, shows what would be signed, asks, and
// writes the approval. It needs no HSM software and no network, only the approver's RSA key.
//
//   npx tsx examples/quorum/approve.ts --folder FOLDER --user NAME --key NAME.pem --account 0x… --chain 31337

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { approveQuorumToken, verifyApprovalRequest } from "ethers-hsm/approvals";
import { Mailbox } from "./mailbox.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { folder: text, user: text, key: text, account: text, chain: text } });
const { folder, user, key, account, chain } = values;
if (!folder || !user || !key || !account || !chain) {
  console.error("usage: approve.ts --folder FOLDER --user NAME --key FILE --account ADDRESS --chain NUMBER");
  process.exit(2);
}

const terminal = createInterface({ input: process.stdin });
const ended = new AbortController();
terminal.once("close", () => ended.abort(new Error(`${user}: the terminal was closed`)));
const lines = terminal[Symbol.asyncIterator]();

const mailbox = new Mailbox(folder);
const request = await mailbox.receiveRequest(ended.signal);
// What the approver knows by themselves, not from the request: which account, and which chain.
const expected = { expectedAccount: account, expectedChainId: chain };
const { summary } = verifyApprovalRequest(request, expected);
console.log(`\n--- ${user} is asked to approve:\n${summary}\n--- Approve as ${user}? Type yes:`);

const { value: answer } = await lines.next();
if (answer === "yes") {
  await mailbox.sendApproval(request, await approveQuorumToken(request, user, await readFile(key, "utf8"), expected));
  console.log(`--- ${user} approved.`);
} else {
  await mailbox.sendRefusal(request, user);
  console.log(`--- ${user} refused.`);
}
terminal.close();
