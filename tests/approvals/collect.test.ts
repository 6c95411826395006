import { describe, expect, test } from "@jest/globals";
import {
  approveQuorumToken,
  type CollectOptions,
  collectApprovals,
  type QuorumApproval,
  serializeQuorumApproval,
} from "../../src/approvals/index.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { ACCOUNT, failureOf, quorumFailure, requestFor, rsaKey, tokenFile } from "./requests.ts";

stopTime();

const keys = { alice: rsaKey(), bob: rsaKey(), carol: rsaKey() };
const approvers = { alice: keys.alice.publicKey, bob: keys.bob.publicKey };
const MINUTE = 60_000;

function open(options: Partial<CollectOptions> = {}) {
  const times = { createdAt: new Date(), expiresAt: new Date(Date.now() + 10 * MINUTE) };
  const request = requestFor("a transaction of type 2", { ...times, id: "request-1" });
  return { request, collection: collectApprovals(request, { approvers, required: 2, ...options }) };
}

function approve(name: keyof typeof keys, as: string = name, token = tokenFile()): Promise<QuorumApproval> {
  return approveQuorumToken(token, as, keys[name].privateKey);
}

describe("a collection", () => {
  test("resolves once enough approvals came, one by one, and leaves a record", async () => {
    const { request, collection } = open({ policyId: "policy-7" });
    const [alice, bob] = [await approve("alice"), await approve("bob")];
    const first = new Date().toISOString();
    collection.add(serializeQuorumApproval(bob));
    expect(collection.record.outcome).toBe("pending");
    await passTime(MINUTE);
    collection.add(alice);
    expect(await collection.approvals).toEqual([bob, alice]);
    expect(collection.record).toEqual({
      requestId: "request-1",
      digest: request.digest,
      account: ACCOUNT,
      policyId: "policy-7",
      required: 2,
      outcome: "approved",
      approvals: [
        { username: "bob", at: first },
        { username: "alice", at: new Date().toISOString() },
      ],
    });
    const late = await failureOf(() => collection.add(alice));
    expect(late).toMatchObject(quorumFailure("ACCESS_DENIED", "expired"));
  });

  test("refuses what is not an approval of this request, and goes on", async () => {
    const { collection } = open();
    const [alice, bob] = [await approve("alice"), await approve("bob")];
    collection.add(alice);
    const other = await approve("bob", "bob", tokenFile(new Uint8Array([9])));
    for (const [approval, reason, code = "ACCESS_DENIED"] of [
      [alice, "duplicate"],
      [{ ...alice, username: "ALICE" }, "duplicate"],
      [await approve("carol"), "unknown-approver"],
      [await approve("carol", "bob"), "bad-signature", "SIGNATURE_MISMATCH"],
      [other, "bad-signature", "SIGNATURE_MISMATCH"],
      [{ ...bob, role: "admin" }, "wrong-role"],
    ] as const) {
      expect(await failureOf(() => collection.add(approval))).toMatchObject(quorumFailure(code, reason));
    }
    expect(await failureOf(() => collection.add("{}"))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(collection.record.approvals.map(({ username }) => username)).toEqual(["alice"]);
    collection.add(bob);
    expect(await collection.approvals).toHaveLength(2);
  });

  test("ends with the request", async () => {
    const { collection } = open();
    collection.add(await approve("alice"));
    const ending = failureOf(() => collection.approvals);
    await passTime(10 * MINUTE);
    const expired = quorumFailure("ACCESS_DENIED", "expired", { approvals: 1, required: 2 });
    expect(await ending).toMatchObject(expired);
    expect(collection.record.outcome).toBe("expired");
    const bob = await approve("bob");
    expect(await failureOf(() => collection.add(bob))).toMatchObject(expired);
  });

  test("ends with its signal", async () => {
    const controller = new AbortController();
    const { collection } = open({ signal: controller.signal });
    const reason = new Error("the customer cancelled");
    controller.abort(reason);
    expect(await failureOf(() => collection.approvals)).toBe(reason);
    expect(collection.record.outcome).toBe("aborted");
    const alice = await approve("alice");
    expect(await failureOf(() => collection.add(alice))).toMatchObject(quorumFailure("ACCESS_DENIED", "expired"));
  });

  test("that is not awaited does not end the process", async () => {
    const { collection } = open();
    await passTime(11 * MINUTE);
    expect(collection.record.outcome).toBe("expired");
  });

  test.each([[0], [1.5], ["2"], [undefined]])("of %p approvals is refused", async (required) => {
    expect(await failureOf(() => open({ required: required as number }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("of a request whose digest is not its content's is refused", async () => {
    const request = { ...requestFor("a message"), digest: `0x${"11".repeat(32)}` };
    expect(await failureOf(() => collectApprovals(request, { approvers, required: 1 }))).toMatchObject(
      quorumFailure("ACCESS_DENIED", "content-mismatch"),
    );
  });
});
