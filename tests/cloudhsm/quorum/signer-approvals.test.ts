import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { id } from "ethers";
import type { ApprovalRequest, QuorumApproval } from "../../../src/approvals/index.ts";
import { gate, rejection, signerError } from "../../signer/rejection.ts";
import { hangFor } from "../../support/stopped-time.ts";
import { until } from "../../support/until.ts";
import { QuorumSetup } from "./setup.ts";

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  expect(setup.cluster.signatures).toBe(0);
  await setup.end();
});

const digest = id("a digest");
const waitForAbort = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** Approves as alice and bob do, and changes something. */
function approveBut(change: (approvals: QuorumApproval[], request: ApprovalRequest) => unknown) {
  return async (request: ApprovalRequest) => {
    return (await change(await setup.approvals(request, ["alice", "bob"]), request)) as QuorumApproval[];
  };
}

describe("approvals that do not suffice", () => {
  it("are too few: noticed before the HSM is asked", async () => {
    const signer = setup.signer({ approve: setup.approve("bob") });
    const error = await signerError(signer.signDigest(digest), "ACCESS_DENIED");
    expect(error).toMatchObject({
      info: { reason: "too-few-approvals", approvals: 1, required: 2 },
      backend: "cloudhsm-quorum",
      operation: "signDigest",
      retryable: false,
    });
    expect(setup.cluster.count("crypto sign ecdsa")).toBe(0);
  });

  it("are fewer than the signer's own number", async () => {
    const signer = setup.signer({ requiredApprovals: 3 });
    const error = await signerError(signer.signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toMatchObject({ reason: "too-few-approvals", required: 3 });
  });

  it("are as many as the key asks for, also where the option asks for fewer", async () => {
    await setup.end();
    setup = new QuorumSetup({ required: 3 });
    const signer = setup.signer({ requiredApprovals: 2 });
    const error = await signerError(signer.signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toMatchObject({ reason: "too-few-approvals", required: 3 });
  });

  it.each([
    ["refused", () => Promise.reject(new Error("bob says no"))],
    ["bad-signature", approveBut(([first, second]) => [first, { ...second, signature: first?.signature }])],
    ["duplicate", approveBut(([first]) => [first, first])],
    ["unknown-approver", approveBut(([first, second]) => [first, { ...second, username: "mallory" }])],
    ["wrong-role", approveBut(([first, second]) => [first, { ...second, role: "admin" }])],
  ])("are %s", async (reason, approve) => {
    const error = await rejection(setup.signer({ approve }).signDigest(digest));
    expect(error).toMatchObject({ info: { reason } });
    expect(setup.cluster.count("crypto sign ecdsa")).toBe(0);
  });

  it("are refused with what approve() threw as the cause", async () => {
    const cause = new Error("bob says no");
    const error = await signerError(
      setup.signer({ approve: () => Promise.reject(cause) }).signDigest(digest),
      "ACCESS_DENIED",
    );
    expect(error.cause).toBe(cause);
    const thrown = setup.signer({
      approve: () => {
        throw cause;
      },
    });
    expect((await signerError(thrown.signDigest(digest), "ACCESS_DENIED")).cause).toBe(cause);
  });

  it("are no list", async () => {
    const signer = setup.signer({ approve: async () => undefined as never });
    expect(await rejection(signer.signDigest(digest))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("belong to another token", async () => {
    let other: ApprovalRequest | undefined;
    const first = setup.signer({
      approve: async (request) => {
        other = request;
        throw new Error("not this time");
      },
    });
    await rejection(first.signDigest(digest));
    const signer = setup.signer({ approve: async () => setup.approvals(other as ApprovalRequest, ["alice", "bob"]) });
    expect(await rejection(signer.signDigest(digest))).toMatchObject({ info: { reason: "bad-signature" } });
  });

  it("come too late", async () => {
    let seen: AbortSignal | undefined;
    const signer = setup.signer({
      approvalTimeout: 300_000,
      approve: async (_, { signal }) => {
        seen = signal;
        return waitForAbort(signal);
      },
    });
    const sign = () => signerError(signer.signDigest(digest), "ACCESS_DENIED");
    const error = await hangFor(300_000, () => seen !== undefined, sign);
    expect(error.info).toEqual({ reason: "expired" });
    expect(seen?.aborted).toBe(true);
  });
});

describe("approvals that came in time, for a CLI that was busy until it was too late", () => {
  it("are not used", async () => {
    let other: Promise<unknown> | undefined;
    let approved = false;
    const signer = setup.signer({
      approvalTimeout: 300_000,
      commandTimeout: 600_000,
      approve: async (request) => {
        if (other === undefined) {
          setup.cluster.fail({ at: "quorum token-sign generate", action: "delay", ms: 2_000 });
          other = rejection(signer.signDigest(id("other")));
          await until(() => setup.cluster.count("quorum token-sign generate") === 2);
        }
        const approvals = await setup.approvals(request, ["alice", "bob"]);
        approved = true;
        return approvals;
      },
    });
    await hangFor(
      300_000,
      () => approved,
      async () => {
        const error = await signerError(signer.signDigest(digest), "ACCESS_DENIED");
        expect(error.info).toEqual({ reason: "expired" });
        expect(await other).toMatchObject({ info: { reason: "expired" } });
      },
    );
    expect(setup.cluster.count("crypto sign ecdsa")).toBe(0);
  });
});

describe("what the HSM says of approvals", () => {
  const unchecked = { approvers: undefined };

  it("a token that was used before", async () => {
    const approve = approveBut((approvals, { token }) => {
      setup.cluster.change((state) => {
        const known = state.tokens[token.token];
        if (known) known.used = true;
      });
      return approvals;
    });
    const error = await signerError(setup.signer({ approve }).signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toEqual({
      reason: "token-reused",
      answer: "Invalid username-signature pair for quorum authorization",
    });
  });

  it("a signature by another key, which was not checked before", async () => {
    const approve = approveBut(async ([first], request) => {
      const [second] = await setup.approvals(request, ["carol"]);
      return [first, { ...second, username: "bob" }];
    });
    const error = await signerError(setup.signer({ ...unchecked, approve }).signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toMatchObject({ reason: "quorum-failed" });
  });

  it("a token that expired earlier than the signer thought", async () => {
    setup.cluster.change((state) => {
      state.tokenLifetime = 1;
    });
    const error = await signerError(setup.signer().signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toEqual({ reason: "quorum-failed", answer: "Quorum Failed" });
  });

  it("too few, where the key's own number is not shown", async () => {
    setup.cluster.fail({
      at: "crypto sign ecdsa",
      action: "refuse",
      text: "Too few quorum approvals: currently 1 approvals, but 2 approvals required",
    });
    const error = await signerError(setup.signer().signDigest(digest), "ACCESS_DENIED");
    expect(error.info).toMatchObject({ reason: "too-few-approvals" });
  });

  it("none of them costs the login session: the next call asks again", async () => {
    const usernames = ["bob"];
    const signer = setup.signer({ approve: (request) => setup.approvals(request, usernames) });
    await rejection(signer.signDigest(digest));
    usernames.push("carol");
    await signer.signDigest(digest);
    expect(setup.cluster.count("login")).toBe(1);
    expect(setup.cluster.signatures).toBe(1);
    setup.cluster.change((state) => {
      for (const key of state.keys) key.signatures = 0;
    });
  });
});

describe("the caller no longer waits", () => {
  it("after the caller's abort: nothing is signed, whatever approvers say later", async () => {
    const door = gate();
    const late = gate();
    const signer = setup.signer({
      approve: async (request, { signal }) => {
        setup.requests.push(request);
        await door.opened;
        expect(signal.aborted).toBe(true);
        late.open();
        return setup.approvals(request, ["alice", "bob"]);
      },
    });
    const controller = new AbortController();
    const call = signer.signDigest(digest, { signal: controller.signal });
    await until(() => setup.requests.length === 1);
    controller.abort(new Error("never mind"));
    expect(await rejection(call)).toEqual(new Error("never mind"));
    door.open();
    await late.opened;
    await signer.close();
    expect(setup.cluster.count("crypto sign ecdsa")).toBe(0);
  });

  it("after the signer's own timeout", async () => {
    let isAsked = false;
    const signer = setup.signer({
      timeout: 60_000,
      approve: (_, { signal }) => {
        isAsked = true;
        return waitForAbort(signal);
      },
    });
    await hangFor(
      60_000,
      () => isAsked,
      () => signerError(signer.signDigest(digest), "BACKEND_TIMEOUT"),
    );
    await signer.close();
    expect(setup.cluster.count("crypto sign ecdsa")).toBe(0);
  });

  it("after close(): every request that is pending fails, and the process ends", async () => {
    const signer = setup.signer({
      approve: async (request, { signal }) => {
        setup.requests.push(request);
        return waitForAbort(signal);
      },
    });
    const calls = [1, 2, 3].map((n) => signerError(signer.signDigest(id(`${n}`)), "SIGNER_CLOSED"));
    await until(() => setup.requests.length === 3);
    await Promise.all([signer.close(), signer.close()]);
    await Promise.all(calls);
    await signerError(signer.signMessage("x"), "SIGNER_CLOSED");
    expect(setup.cluster.running).toEqual([]);
  });

  it("where the call was aborted before it began", async () => {
    const reason = new Error("no");
    expect(await rejection(setup.signer().signDigest(digest, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(setup.requests).toEqual([]);
  });
});
