import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { id, verifyMessage } from "ethers";
import type { ApprovalRequest } from "../../../src/approvals/index.ts";
import { rejection, signerError } from "../../signer/rejection.ts";
import { hangFor } from "../../support/stopped-time.ts";
import { until } from "../../support/until.ts";
import { QuorumSetup } from "./setup.ts";

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await setup.end();
});

const SIGN = "crypto sign ecdsa";
const GENERATE = "quorum token-sign generate";
/** Milliseconds: the setup's commandTimeout. */
const TIMEOUT = 20_000;

/** Approves as alice and bob do, after `first` for the first request. */
function approveAfter(first: () => Promise<unknown> | unknown) {
  return async (request: ApprovalRequest) => {
    setup.requests.push(request);
    if (setup.requests.length === 1) await first();
    return setup.approvals(request, ["alice", "bob"]);
  };
}

const never = () => new Promise<never>(() => {});
const kill = async () => {
  for (const pid of setup.cluster.running) process.kill(pid, "SIGKILL");
  await until(() => setup.cluster.running.length === 0);
};

describe("a login session that ends while approvals are awaited", () => {
  it.each([
    ["the process is killed", () => kill()],
    ["the cluster logs out", () => setup.cluster.logoutAll()],
  ])("asks again for a new token, at once, when %s", async (_name, end) => {
    const signals: AbortSignal[] = [];
    const approve = async (request: ApprovalRequest, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return approveAfter(end)(request);
    };
    const signer = setup.signer({ approve });
    expect(verifyMessage("twice", await signer.signMessage("twice"))).toBe(await signer.getAddress());
    const [first, second] = setup.requests;
    expect(setup.requests).toHaveLength(2);
    expect(second?.token.token).not.toBe(first?.token.token);
    expect(second?.digest).toBe(first?.digest);
    expect(setup.cluster.count("login")).toBe(2);
    expect(setup.cluster.signatures).toBe(1);
  });

  it("tells approvers, who may be waiting still", async () => {
    let aborted = false;
    const signer = setup.signer({
      approve: async (request, { signal }) => {
        setup.requests.push(request);
        if (setup.requests.length > 1) return setup.approvals(request, ["alice", "bob"]);
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        await kill();
        return never();
      },
    });
    await signer.signDigest(id("x"));
    expect(aborted).toBe(true);
  });

  it("asks three times at most", async () => {
    const signer = setup.signer({
      approve: async (request) => {
        setup.requests.push(request);
        await kill();
        return never();
      },
    });
    const error = await signerError(signer.signDigest(id("x")), "BACKEND_UNAVAILABLE");
    expect(error.message).toContain("ended 3 times");
    expect(error.retryable).toBe(false);
    expect(setup.requests).toHaveLength(3);
    expect(setup.cluster.count(SIGN)).toBe(0);
  });

  it("restarts once for all that wait", async () => {
    const signer = setup.signer({
      approve: async (request) => {
        setup.requests.push(request);
        if (setup.requests.length === 3) await kill();
        return setup.requests.length <= 3 ? never() : setup.approvals(request, ["alice", "bob"]);
      },
    });
    const texts = ["a", "b", "c"];
    const signatures = await Promise.all(texts.map((text) => signer.signMessage(text)));
    const account = await signer.getAddress();
    expect(signatures.map((signature, at) => verifyMessage(texts[at] ?? "", signature))).toEqual(
      Array(3).fill(account),
    );
    expect(setup.cluster.state.pids).toHaveLength(2);
    expect(setup.requests).toHaveLength(6);
  });
});

describe("a process that ends before it signs", () => {
  it.each(["key list", GENERATE])("during %s: another takes its place", async (at) => {
    for (const action of ["die-before", "die-after", "die-half", "logout"]) setup.cluster.fail({ at, action });
    const signer = setup.signer();
    await rejection(signer.signDigest(id("x")));
    await signer.signDigest(id("x"));
    expect(setup.cluster.signatures).toBe(1);
  });

  it("logged out when it should sign: new approvals, one signature", async () => {
    setup.cluster.fail({ at: SIGN, action: "logout" });
    await setup.signer().signDigest(id("x"));
    expect(setup.requests).toHaveLength(2);
    expect(setup.cluster.signatures).toBe(1);
  });
});

describe("nothing is signed twice", () => {
  it.each([
    ["dies before it signs", { action: "die-before" }, "BACKEND_UNAVAILABLE", 0],
    ["dies after it signed", { action: "die-after" }, "BACKEND_UNAVAILABLE", 1],
    ["dies within its answer", { action: "die-half" }, "BACKEND_UNAVAILABLE", 1],
    ["hangs", { action: "hang" }, "BACKEND_TIMEOUT", 0],
  ] as const)("when the process %s", async (_name, fault, code, signatures) => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: SIGN, ...fault });
    const sign = () => signerError(signer.signDigest(id("once")), code);
    const isHanging = () => setup.cluster.count(SIGN) === 1;
    const error = await (fault.action === "hang" ? hangFor(TIMEOUT, isHanging, sign) : sign());
    expect(error).toMatchObject({ retryable: false, info: { reason: "outcome-unknown" } });
    expect(error.message).toContain("it is unknown whether the HSM signed this digest");
    expect(setup.requests).toHaveLength(1);
    expect(setup.cluster.count(SIGN)).toBe(1);
    expect(setup.cluster.signatures).toBe(signatures);

    await signer.signDigest(id("once"));
    expect(setup.requests).toHaveLength(2);
    expect(setup.cluster.state.pids).toHaveLength(2);
  });

  it("when the caller's timeout ends while the HSM signs", async () => {
    const signer = setup.signer({ timeout: TIMEOUT - 1 });
    await signer.getAddress();
    setup.cluster.fail({ at: SIGN, action: "hang" });
    const isHanging = () => setup.cluster.count(SIGN) === 1;
    const sign = () => signerError(signer.signDigest(id("once")), "BACKEND_TIMEOUT");
    const error = await hangFor(TIMEOUT, isHanging, sign);
    expect(error).toMatchObject({ retryable: false, info: { reason: "outcome-unknown" } });
    expect(error.message).toContain("it is unknown whether it signed");
  });

  it("when the process dies at the second signature", async () => {
    setup.cluster.fail({ at: SIGN, action: "die-after", after: 1 });
    const signer = setup.signer();
    await signer.signDigest(id("1"));
    const error = await signerError(signer.signDigest(id("2")), "BACKEND_UNAVAILABLE");
    expect(error.info).toEqual({ reason: "outcome-unknown" });
    expect(setup.cluster.signatures).toBe(2);
  });

  it("others that wait are asked again, since their tokens ended with the process", async () => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: SIGN, action: "die-after" });
    const outcomes = await Promise.allSettled(["a", "b", "c"].map((text) => signer.signMessage(text)));
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(setup.cluster.signatures).toBe(3);
  });
});

describe("a signature that is none", () => {
  const signature = (text: string) =>
    `{"error_code":0,"data":{"key-reference":"0x0000000000120001","signature":"${text}"}}\n`;

  it.each([
    ["over another digest", { action: "wrong-digest" }, "SIGNATURE_MISMATCH"],
    ["by another key", { action: "other-key" }, "BACKEND_RESPONSE_INVALID"],
    [
      "of 63 bytes",
      { action: "text", text: signature(Buffer.alloc(63, 1).toString("base64")) },
      "BACKEND_RESPONSE_INVALID",
    ],
    [
      "of 65 bytes",
      { action: "text", text: signature(Buffer.alloc(65, 1).toString("base64")) },
      "BACKEND_RESPONSE_INVALID",
    ],
    ["of zeros", { action: "text", text: signature(Buffer.alloc(64).toString("base64")) }, "BACKEND_RESPONSE_INVALID"],
    [
      "in base64url",
      { action: "text", text: signature(Buffer.alloc(64, 255).toString("base64url")) },
      "BACKEND_RESPONSE_INVALID",
    ],
    ["absent", { action: "text", text: '{"error_code":0,"data":"done"}\n' }, "BACKEND_RESPONSE_INVALID"],
  ] as const)("is refused: %s; and the process is not used again", async (_name, fault, code) => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: SIGN, ...fault });
    await signerError(signer.signDigest(id("x")), code);
    await signer.signDigest(id("x"));
    expect(setup.cluster.state.pids).toHaveLength(2);
  });
});

describe("a process that does not answer", () => {
  it("in time: the command's own limit, then another process", async () => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: GENERATE, action: "hang" });
    const sign = () => signerError(signer.signDigest(id("x")), "BACKEND_TIMEOUT");
    const error = await hangFor(TIMEOUT, () => setup.cluster.count(GENERATE) === 1, sign);
    expect(error.message).toContain("nothing was signed");
    await signer.signDigest(id("x"));
    expect(setup.cluster.signatures).toBe(1);
  });

  it("but slowly: the others wait their turn", async () => {
    setup.cluster.fail(
      { at: GENERATE, action: "delay", ms: 300, times: 2 },
      { at: SIGN, action: "delay", ms: 300, times: 2 },
    );
    const signer = setup.signer();
    await Promise.all([signer.signMessage("a"), signer.signMessage("b"), signer.signMessage("c")]);
    expect(setup.cluster.signatures).toBe(3);
  });

  it("until close() was called: a signature that it was told to make is waited for, others are not begun", async () => {
    setup.cluster.fail({ at: SIGN, action: "delay", ms: 500 });
    const signer = setup.signer();
    const account = await signer.getAddress();
    const first = signer.signMessage("begun");
    await until(() => setup.cluster.count(SIGN) === 1);
    const second = rejection(signer.signMessage("too late"));
    await signer.close();
    expect(verifyMessage("begun", await first)).toBe(account);
    expect(await second).toMatchObject({ code: "SIGNER_CLOSED" });
    expect(setup.cluster.signatures).toBe(1);
  });

  it("and no more when it is closed: it is killed", async () => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: GENERATE, action: "hang" });
    let isClosing = false;
    await hangFor(
      TIMEOUT,
      () => isClosing,
      async () => {
        const call = rejection(signer.signDigest(id("x")));
        await until(() => setup.cluster.count(GENERATE) === 1);
        const closed = signer.close();
        isClosing = true;
        await Promise.all([closed, call]);
      },
    );
    expect(setup.cluster.running).toEqual([]);
  });
});
