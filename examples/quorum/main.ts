// Two of three must approve before the key signs. A payment is requested, each approver sees what would be signed, checks it and
// answers in a process of their own, and the approved transaction is mined. It exits with 1 if anything differs.
//
//   npx tsx examples/quorum/main.ts                    alone: alice and bob approve, carol refuses
//   npx tsx examples/quorum/main.ts --folder FOLDER    you approve, in terminals of your own: it says how
//
// The cluster is a stand-in: tests/servers/cloudhsm-cli speaks the dialect of AWS's cloudhsm-cli, with real keys, signatures and
// checks of approvals, and no HSM. The chain is a local one.

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatEther, parseEther, Transaction } from "ethers";
import { isSignerError } from "ethers-hsm";
import { type ApprovalRequest, verifyApprovalRequest } from "ethers-hsm/approvals";
import { CloudHsmQuorumSigner } from "ethers-hsm/cloudhsm/quorum";
import { CloudHsmCluster } from "../../tests/servers/cloudhsm-cli/cluster.ts";
import { startAnvil } from "../../tests/support/anvil.ts";
import { expectEqual, Report } from "../demo/report.ts";
import { ApproverProcess } from "./approver-process.ts";
import { Mailbox } from "./mailbox.ts";

const REQUIRED = 2;
const ANSWERS = { alice: "yes", bob: "yes", carol: "no" } as const;
const RECIPIENT = "0x000000000000000000000000000000000000dEaD";
const VALUE = parseEther("1.5");

const { values } = parseArgs({ options: { folder: { type: "string" } } });
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), "ethers-hsm-quorum-")));
await mkdir(folder, { recursive: true });
if ((await readdir(folder)).length > 0) {
  console.error(`${folder} must be empty or absent: an approver takes the first request in it`);
  process.exit(2);
}
const mailbox = new Mailbox(folder);
const report = new Report();
const cluster = new CloudHsmCluster(Object.keys(ANSWERS));
const anvil = await startAnvil();
const approvers: ApproverProcess[] = [];
let signer: CloudHsmQuorumSigner | undefined;
let treasury = "";
try {
  // In AWS CloudHSM: key generate-asymmetric-pair ec --share-crypto-users … --use-private-key-quorum-value 2
  cluster.addKey("treasury", REQUIRED);
  for (const { username, privateKey } of cluster.users) {
    const pem = privateKey.export({ format: "pem", type: "pkcs8" });
    await writeFile(join(folder, `${username}.pem`), pem, { mode: 0o600 });
  }
  const { username, password } = cluster.user("alice");
  signer = new CloudHsmQuorumSigner(
    {
      cliPath: cluster.cliPath,
      user: username,
      password,
      keyLabel: "treasury",
      requester: "payouts",
      approvers: Object.fromEntries(cluster.users.map(({ username, publicKey }) => [username, publicKey])),
      approve: askApprovers,
    },
    anvil.provider(),
  );
  treasury = await signer.getAddress();
  report.step("key", signer.keyId);
  report.step("address", treasury);
  await pay(signer);
  report.end();
} finally {
  for (const approver of approvers) await approver.end();
  await signer?.close();
  await anvil.stop();
  cluster.remove();
  if (values.folder === undefined) await rm(folder, { recursive: true });
}

/** What an application brings of its own: how to reach people. Here it is a folder. */
async function askApprovers(request: ApprovalRequest, { signal }: { readonly signal: AbortSignal }) {
  refuseTampered(request);
  // Approvers know these by themselves.
  const known = ["--account", treasury, "--chain", `${anvil.chainId}`];
  await mailbox.sendRequest(request);
  for (const [username, answer] of Object.entries(ANSWERS)) {
    const key = join(folder, `${username}.pem`);
    const parameters = ["--folder", folder, "--user", username, "--key", key, ...known];
    if (values.folder === undefined) approvers.push(new ApproverProcess(parameters, answer));
    else console.log(`In another terminal: npx tsx examples/quorum/approve.ts ${parameters.join(" ")}`);
  }
  const maxRefusals = cluster.users.length - REQUIRED;
  const { approvals, refusals } = await mailbox.receiveAnswers(
    request,
    ({ approvals, refusals }) => approvals.length >= REQUIRED || refusals.length > maxRefusals,
    signal,
  );
  if (refusals.length > maxRefusals) throw new Error(`refused by ${refusals.join(" and ")}`);
  report.step("approved by", approvals.map(({ username }) => username).join(" and "));
  return approvals;
}

/** A request that was changed on its way does not pass an approver's check. */
function refuseTampered(request: ApprovalRequest): void {
  const { content } = request;
  if (content.type !== "transaction") throw new Error("the request is not for a transaction");
  const decoded = { ...content.decoded, valueEther: "0.0015", value: "1500000000000000" };
  try {
    verifyApprovalRequest(
      { ...request, content: { ...content, decoded } },
      { expectedAccount: treasury, expectedChainId: anvil.chainId },
    );
  } catch (error) {
    if (!isSignerError(error, "ACCESS_DENIED")) throw error;
    expectEqual("the reason", error.info?.["reason"], "content-mismatch");
    report.step("changed request", "refused");
    return;
  }
  throw new Error("a changed request was accepted");
}

async function pay(from: CloudHsmQuorumSigner): Promise<void> {
  await anvil.fund(treasury, parseEther("10"));
  const provider = anvil.provider();

  const response = await from.sendTransaction({ to: RECIPIENT, value: VALUE });
  report.step("transaction", response.hash);
  const receipt = await response.wait();
  expectEqual("the receipt's status", receipt?.status, 1);
  expectEqual("the receipt's sender", receipt?.from, treasury);
  report.step("mined in block", `${receipt?.blockNumber}`);

  const mined = await provider.getTransaction(response.hash);
  expectEqual("the sender recovered from the mined transaction", mined && Transaction.from(mined).from, treasury);
  expectEqual("the recipient's balance", await provider.getBalance(RECIPIENT), VALUE);
  report.step("paid", `${formatEther(VALUE)} ETH to ${RECIPIENT}`);
}
