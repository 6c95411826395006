import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hexlify, parseEther, randomBytes, Transaction } from "ethers";
import {
  type ApprovalRecord,
  type ApprovalRequest,
  approveQuorumToken,
  parseQuorumApproval,
  quorumApprover,
  serializeApprovalRequest,
} from "../../src/approvals/index.ts";
import { fileAudit, verifyAudit } from "../../src/audit/index.ts";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { allow, definePolicy, requireApproval } from "../../src/policy/index.ts";
import { CommandLine } from "../cli/support/command.ts";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { rsaKey } from "./requests.ts";

const RECIPIENT = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const NAMES = ["alice", "bob", "carol", "dave", "erin"] as const;
const keys = Object.fromEntries(NAMES.map((name) => [name, rsaKey()]));

let anvil: Anvil;
let server: KmsServer;
let folder: string;
beforeAll(async () => {
  [anvil, server] = await Promise.all([startAnvil(), KmsServer.start()]);
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-kms-policy-"));
});
afterAll(async () => {
  await Promise.all([anvil.stop(), server.close(), rm(folder, { recursive: true })]);
});

function keyOf(name: string) {
  const key = keys[name];
  if (key === undefined) throw new Error(`no approver ${name}`);
  return key;
}

async function approveByFunction(request: ApprovalRequest, name: string) {
  const expected = { expectedAccount: request.account, expectedChainId: anvil.chainId };
  return approveQuorumToken(request, name, keyOf(name).privateKey, expected);
}

async function approveByCommand(request: ApprovalRequest, name: string) {
  const [file, key] = [join(folder, `${request.id}.json`), join(folder, `${name}.pem`)];
  await writeFile(file, serializeApprovalRequest(request));
  await writeFile(key, keyOf(name).privateKey.export({ format: "pem", type: "pkcs8" }));
  const expected = ["--account", request.account, "--chain-id", `${anvil.chainId}`, "--digest", request.digest];
  const args = ["approval", "sign", file, ...expected, "--user", name, "--key", key];
  return parseQuorumApproval(JSON.stringify(await new CommandLine().json(args)));
}

describe.each([
  { required: 2, users: NAMES.slice(0, 3), who: ["carol", "alice"] },
  { required: 3, users: NAMES, who: ["erin", "bob", "dave"] },
])("$required of $users.length in front of AWS KMS", ({ required, users, who }) => {
  async function start(approving: readonly string[], options: { readonly approvalTimeout?: number } = {}) {
    const records: (() => ApprovalRecord)[] = [];
    const approver = quorumApprover({
      approvers: Object.fromEntries(users.map((name) => [name, keyOf(name).publicKey])),
      required,
      ask: async (request, collection) => {
        records.push(() => collection.record);
        for (const [index, name] of approving.entries()) {
          collection.add(await (index === 0 ? approveByCommand : approveByFunction)(request, name));
        }
      },
    });
    const rules = [allow("payouts"), requireApproval("people", approver)];
    const policy = definePolicy({ name: "treasury", version: 1, rules, ...options });
    const log = await mkdtemp(join(folder, "audit-"));
    const audit = await fileAudit({ folder: log });
    const { keyId } = server.ring.importKey(hexlify(randomBytes(32)));
    const credentials = { accessKeyId: "AKIAAPPROVALS0000000", secretAccessKey: "approvals" };
    const place = { keyId, region: server.region, endpoint: server.url, credentials };
    const signer = new KmsSigner({ ...place, policy, audit }, anvil.provider());
    const from = await signer.getAddress();
    await anvil.fund(from, parseEther("10"));
    return { signer, from, policy, audit, log, record: () => records[0]?.() };
  }

  async function readLog(log: string): Promise<Record<string, unknown>[]> {
    const [name = ""] = await readdir(log);
    return (await readFile(join(log, name), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  test("a payment is mined, and the audit has who approved what, when and by which policy", async () => {
    const { signer, from, policy, audit, log, record } = await start(who);
    const sent = await signer.sendTransaction({ to: RECIPIENT, value: parseEther("1") });
    expect(await sent.wait()).toMatchObject({ status: 1, from, to: RECIPIENT });
    await signer.close();
    await audit.close();

    const digest = Transaction.from(sent).unsignedHash;
    const approvals = who.map((username) => ({ username, at: expect.stringMatching(/^2\d{3}-.*Z$/) }));
    expect(record()).toMatchObject({ outcome: "approved", digest, account: from, policyId: policy.id, approvals });
    const by = record()
      ?.approvals.map(({ username, at }) => `${username} at ${at}`)
      .join(", ");
    const entries = await readLog(log);
    expect(entries.find(({ event }) => event === "intent")).toMatchObject({
      request: { digest, account: from },
      policy: { id: policy.id, outcome: "allow", approvals: [{ rule: "people", by }] },
    });
    expect(entries.find(({ event }) => event === "outcome")).toMatchObject({ result: "ok" });
    expect(await verifyAudit(log)).toMatchObject({ faults: [], unfinished: [] });
  });

  test("with one approval less KMS is not asked to sign, and the audit has the denial", async () => {
    const { signer, from, policy, audit, log } = await start(who.slice(1), { approvalTimeout: 300 });
    const before = server.count("Sign");
    await expect(signer.sendTransaction({ to: RECIPIENT, value: 1n })).rejects.toMatchObject({
      code: "APPROVAL_DENIED",
    });
    await signer.close();
    await audit.close();
    expect(server.count("Sign")).toBe(before);
    expect(await anvil.provider().getTransactionCount(from, "pending")).toBe(0);
    const denial = (await readLog(log)).find(({ event }) => event === "denial");
    expect(denial).toMatchObject({ policy: { id: policy.id, outcome: "deny" } });
  });
});
