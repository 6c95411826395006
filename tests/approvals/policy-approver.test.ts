import { describe, expect, test } from "@jest/globals";
import { id, parseEther, Transaction, verifyMessage, verifyTypedData, Wallet } from "ethers";
import {
  type ApprovalRequest,
  approveQuorumToken,
  type QuorumApproverOptions,
  quorumApprover,
  verifyApprovalRequest,
} from "../../src/approvals/index.ts";
import { allow, definePolicy, requireApproval } from "../../src/policy/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { failureOf, rsaKey, TYPED_DATA } from "./requests.ts";

const PRIVATE_KEY = id("approved by people");
const { address } = new Wallet(PRIVATE_KEY);
const keys = { alice: rsaKey(), bob: rsaKey(), carol: rsaKey() };
const approvers = { alice: keys.alice.publicKey, bob: keys.bob.publicKey };
const expected = { expectedAccount: address, expectedChainId: 1 };

function approve(request: ApprovalRequest, name: keyof typeof keys) {
  return approveQuorumToken(request, name, keys[name].privateKey, expected);
}

function signerAsking(ask: QuorumApproverOptions["ask"], options: object = {}): RemoteSigner {
  const approver = quorumApprover({ approvers, required: 2, requester: "payouts", ask });
  const rules = [allow("all"), requireApproval("two of three", approver)];
  const policy = definePolicy({ name: "treasury", version: 1, rules, ...options });
  return new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { policy });
}

describe("a key without CloudHSM", () => {
  const requests: ApprovalRequest[] = [];
  const signer = signerAsking(async (request, collection) => {
    requests.push(request);
    for (const name of ["bob", "alice"] as const) collection.add(await approve(request, name));
  });

  test("signs what two of its approvers saw: transactions, messages, typed data", async () => {
    const to = "0x000000000000000000000000000000000000dEaD";
    const fees = { gasLimit: 21_000n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n };
    const raw = await signer.signTransaction({ type: 2, chainId: 1n, nonce: 0, to, value: parseEther("1"), ...fees });
    expect(Transaction.from(raw).from).toBe(address);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    const { domain, value } = TYPED_DATA;
    const { Permit: Letter, Person } = TYPED_DATA.types;
    const types = { Letter, Person };
    expect(verifyTypedData(domain, types, value, await signer.signTypedData(domain, types, value))).toBe(address);
    expect(requests.map(({ content }) => content.type)).toEqual(["transaction", "message", "typed-data"]);
    for (const request of requests) {
      const { summary } = verifyApprovalRequest(request, expected);
      expect(summary).toContain('asked by      "payouts"');
      expect(Buffer.from(request.token.approval_data, "base64").toString()).toContain(request.digest);
    }
  });

  test("does not sign with approvals of another request, of others, or too few", async () => {
    const [former] = requests;
    if (former === undefined) throw new Error("nothing was asked");
    const old = await approve(former, "bob");
    const reasons: unknown[] = [];
    const refused = signerAsking(
      async (request, collection) => {
        collection.add(await approve(request, "alice"));
        for (const wrong of [old, await approve(request, "carol"), await approve(request, "alice")]) {
          const { info } = await failureOf(() => collection.add(wrong));
          reasons.push((info as { reason: string }).reason);
        }
      },
      { approvalTimeout: 500 },
    );
    await expect(refused.signMessage("hello")).rejects.toMatchObject({ code: "APPROVAL_DENIED" });
    expect(reasons).toEqual(["bad-signature", "unknown-approver", "duplicate"]);
  });

  test("does not sign if people cannot be asked", async () => {
    const records: (() => string)[] = [];
    const silent = signerAsking((_request, collection) => {
      records.push(() => collection.record.outcome);
      return Promise.reject(new Error("the chat is down"));
    });
    await expect(silent.signMessage("hello")).rejects.toMatchObject({ code: "APPROVAL_DENIED" });
    expect(records.map((outcome) => outcome())).toEqual(["aborted"]);
  });
});
