import { describe, expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import type { Approval, Approver } from "../../src/policy/approvals.ts";
import {
  allow,
  between,
  deny,
  digests,
  type LimitStore,
  limit,
  memoryLimitStore,
  requireApproval,
  to,
} from "../../src/policy/index.ts";
import { definePolicy, type PolicyOptions } from "../../src/policy/policy.ts";
import type { Rule } from "../../src/policy/rules.ts";
import type { AuditEntry, AuditSink } from "../../src/signer/audit-sink.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { rejection, signerError } from "../signer/rejection.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { FRIEND, OTHER } from "./requests.ts";

stopTime();

const KEY = id("decided");
const { address } = new Wallet(KEY);
const DAY = 86_400_000;
/** What the store knows the limit by. */
const DAILY = JSON.stringify(["treasury", "daily", "native"]);

class MemorySink implements AuditSink {
  readonly entries: AuditEntry[] = [];
  async append(entry: AuditEntry): Promise<void> {
    this.entries.push(entry);
  }
  async close(): Promise<void> {}
}

function world(rules: readonly Rule[], options: Partial<PolicyOptions> = {}) {
  const [key, audit] = [new FaultyKey(KEY), new MemorySink()];
  const policy = definePolicy({ name: "treasury", version: 1, rules, ...options });
  const signer = new RemoteSigner(key, null, { policy, audit, timeout: 30_000 });
  const pay = (wei: bigint, nonce = 0) =>
    signer.signTransaction({ to: FRIEND, value: wei, nonce, chainId: 1, gasLimit: 21_000, maxFeePerGas: 0n });
  return { key, audit, policy, signer, pay };
}

const daily = (store: LimitStore = memoryLimitStore()) =>
  limit("daily", { asset: "native", amount: 10n, window: DAY, store });
const yes: Approver = async ({ id, digest, policyId }) => ({ approved: true, id, digest, policyId, by: "alice" });

describe("limits", () => {
  test("hold before the key is asked, and are spent by a signature", async () => {
    const { key, audit, pay } = world([allow("pay"), daily()]);
    await pay(6n, 0);
    await pay(4n, 1);
    const error = await signerError(pay(1n, 2), "LIMIT_EXCEEDED");
    expect(error).toMatchObject({ retryable: true, info: { rule: "daily", availableAt: Date.now() + DAY } });
    expect(error.message).not.toContain("10");
    expect(key.honest.signatures).toBe(2);
    expect(audit.entries.map((each) => each.event)).toEqual(["intent", "outcome", "intent", "outcome", "denial"]);
    expect(audit.entries[2]).toMatchObject({ policy: { holds: [{ limit: "daily", amount: 4n }] } });
    await passTime(DAY);
    await pay(10n, 2);
  });

  test("a replacement counts the maximum", async () => {
    const { pay } = world([allow("pay"), daily()]);
    for (const wei of [6n, 8n, 10n, 2n]) await pay(wei, 7);
    await signerError(pay(1n, 8), "LIMIT_EXCEEDED");
  });

  test("an amount above the limit never passes, and is not retryable", async () => {
    const error = await signerError(world([allow("pay"), daily()]).pay(11n), "LIMIT_EXCEEDED");
    expect(error).toMatchObject({ retryable: false, info: { availableAt: null } });
  });

  test.each([
    ["ACCESS_DENIED", "released"],
    ["THROTTLED", "released"],
    ["BACKEND_UNAVAILABLE", "held"],
    ["SIGNATURE_MISMATCH", "held"],
  ] as const)("after %s of the key the hold is %s", async (code, state) => {
    const { key, pay } = world([allow("pay"), daily()]);
    key.onSign = () => Promise.reject(new SignerError(code, code));
    await rejection(pay(8n, 0));
    key.onSign = undefined;
    if (state === "released") await pay(8n, 1);
    else await signerError(pay(8n, 1), "LIMIT_EXCEEDED");
  });

  test("a key that times out after the hold leaves it held", async () => {
    const { key, pay } = world([allow("pay"), daily()]);
    key.onSign = never;
    const late = signerError(pay(8n, 0), "BACKEND_TIMEOUT");
    await passTime(30_000);
    await late;
    key.onSign = undefined;
    await signerError(pay(8n, 1), "LIMIT_EXCEEDED");
  });

  test("all or nothing: a second limit without room releases the first", async () => {
    const store = memoryLimitStore();
    const small = limit("small", { asset: "native", amount: 5n, window: DAY, store });
    const { pay } = world([allow("pay"), daily(store), small]);
    for (let nonce = 0; nonce < 5; nonce++) await signerError(pay(6n, nonce), "LIMIT_EXCEEDED");
    await pay(5n, 9);
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("no connection"))],
    [
      "throws",
      () => {
        throw new Error("no connection");
      },
    ],
    ["hangs", () => new Promise<never>(() => {})],
  ])("a store that %s denies", async (_, read) => {
    const { key, pay } = world([allow("pay"), daily({ ...memoryLimitStore(), read })]);
    const denied = signerError(pay(1n), "POLICY_DENIED");
    await passTime(20_000);
    expect((await denied).message).toContain("a limit cannot be checked");
    expect(key.honest.signatures).toBe(0);
  });

  test("a store that fails afterwards costs no signature", async () => {
    const memory = memoryLimitStore();
    let writes = 0;
    const store: LimitStore = {
      ...memory,
      write: async (...parameters) => (writes++ ? Promise.reject(new Error("gone")) : memory.write(...parameters)),
    };
    const { pay } = world([allow("pay"), daily(store)]);
    await pay(8n, 0);
    await signerError(pay(8n, 1), "LIMIT_EXCEEDED");
  });
});

describe("approvals", () => {
  const asked: Parameters<Approver>[0][] = [];
  const above = (approver: Approver) => [allow("pay"), requireApproval("two people", approver, to(FRIEND))];

  test("one that fits lets it be signed, and is recorded", async () => {
    const approver: Approver = async (request, options) => {
      asked.push(request);
      return yes(request, options);
    };
    const { audit, policy, pay } = world(above(approver));
    await pay(1n);
    expect(asked.pop()).toMatchObject({
      rule: "two people",
      policyId: policy.id,
      request: { kind: "transaction", account: address },
      expiresAt: Date.now() + 900_000,
    });
    expect(audit.entries[0]).toMatchObject({ policy: { approvals: [{ rule: "two people", by: "alice" }] } });
  });

  const answers: readonly (readonly [string, (answer: Approval) => unknown])[] = [
    ["no", (answer) => ({ ...answer, approved: false })],
    ["a truthy yes", (answer) => ({ ...answer, approved: 1 })],
    ["another digest", (answer) => ({ ...answer, digest: id("other") })],
    ["another policy", (answer) => ({ ...answer, policyId: "other" })],
    ["nothing", () => undefined],
    ["an error", () => Promise.reject(new Error("the chat is down"))],
  ];

  test.each(answers)("%s is not an approval", async (_, change) => {
    const { key, pay } = world(above(async (request, options) => change(await yes(request, options)) as Approval));
    const error = await signerError(pay(1n), "APPROVAL_DENIED");
    expect(error).toMatchObject({ retryable: false, info: { rule: "two people" } });
    expect(key.honest.signatures).toBe(0);
  });

  test("the approver's name is one line without control characters in messages and the audit", async () => {
    const by = `bob\n\u001b[2J\u202e${"x".repeat(500)}`;
    const named = (approved: boolean) =>
      world(above(async (request, options) => ({ ...(await yes(request, options)), by, approved })));
    const { message } = await signerError(named(false).pay(1n), "APPROVAL_DENIED");
    for (const each of ["\n", "\u001b", "\u202e"]) expect(message).not.toContain(each);
    expect(message.length).toBeLessThan(400);
    const { audit, pay } = named(true);
    await pay(1n);
    const recorded = audit.entries[0]?.event === "intent" ? audit.entries[0].policy?.approvals[0]?.by : undefined;
    expect(recorded).toMatch(/^bob {2}\[2J x+$/);
    expect(recorded).toHaveLength(200);
  });

  test("an approval is used once", async () => {
    let first: Approval | undefined;
    const { pay } = world(above(async (request, options) => (first ??= await yes(request, options))));
    await pay(1n);
    await signerError(pay(1n), "APPROVAL_DENIED");
  });

  test("it may take longer than the key's timeout, but not longer than its own", async () => {
    const slow =
      (ms: number): Approver =>
      async (request, options) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return yes(request, options);
      };
    const signing = world(above(slow(600_000))).pay(1n);
    await passTime(600_000);
    expect(await signing).toMatch(/^0x02/);
    const late = signerError(world(above(slow(901_000))).pay(1n), "APPROVAL_DENIED");
    await passTime(900_000);
    await late;
  });

  const slowly =
    (ms: number): Approver =>
    async (request, options) => {
      await passTime(ms);
      return yes(request, options);
    };

  test("nothing is held while people think", async () => {
    const store = memoryLimitStore();
    const approver: Approver = async (request, options) => {
      expect((await store.read(DAILY)).entries).toEqual([]);
      return yes(request, options);
    };
    await world([allow("pay"), daily(store), requireApproval("people", approver)]).pay(1n);
    expect((await store.read(DAILY)).entries).toHaveLength(1);
  });

  test("the rules are evaluated again afterwards: it is another day", async () => {
    const today = between({ days: [new Date().getUTCDay() || 7] });
    const { pay } = world([allow("today", today), requireApproval("people", slowly(DAY))], {
      approvalTimeout: 2 * DAY,
    });
    const error = await signerError(pay(1n), "POLICY_DENIED");
    expect(error.info).toMatchObject({ reasons: ["no rule allows it"] });
  });

  test("a denied request is not shown to people", async () => {
    let isAsked = false;
    const approver: Approver = async (request, options) => {
      isAsked = true;
      return yes(request, options);
    };
    await signerError(world([allow("pay", to(OTHER)), requireApproval("people", approver)]).pay(1n), "POLICY_DENIED");
    expect(isAsked).toBe(false);
  });

  test("an abort reaches the approver, and is what the call rejects with", async () => {
    const [controller, reason] = [new AbortController(), new Error("enough")];
    let passed: AbortSignal | undefined;
    const approver: Approver = (_, { signal }) => {
      passed = signal;
      return never();
    };
    const { signer } = world([allow("all", digests()), requireApproval("people", approver)]);
    const signing = rejection(signer.signDigest(id("digest"), { signal: controller.signal }));
    await passTime(1);
    controller.abort(reason);
    expect(await signing).toBe(reason);
    expect(passed?.aborted).toBe(true);
  });
});

describe("shadow mode and the kill switch", () => {
  test("shadow signs what it would deny, holds nothing, asks for no approval, and records it", async () => {
    const store = memoryLimitStore();
    const rules = [
      allow("pay", to(OTHER)),
      daily(store),
      requireApproval("people", () => Promise.reject(new Error("asked"))),
    ];
    const { audit, pay } = world(rules, { mode: "shadow" });
    await pay(100n);
    expect(audit.entries[0]).toMatchObject({
      event: "intent",
      policy: { outcome: "would-deny", rule: null, reasons: ["no rule allows it"], holds: [] },
    });
    expect(audit.entries[1]).toMatchObject({ event: "outcome", result: "ok" });
    expect((await store.read(DAILY)).entries).toEqual([]);
  });

  test.each(["enforce", "shadow"] as const)("freeze() denies everything at once, in mode %s", async (mode) => {
    const { policy, pay } = world([allow("all")], { mode });
    await pay(1n);
    policy.freeze("incident 12");
    expect((await signerError(pay(1n), "POLICY_DENIED")).message).toContain("incident 12");
  });

  const checks: readonly (readonly [string, NonNullable<PolicyOptions["frozen"]>, boolean])[] = [
    ["true", () => true, false],
    ["nothing", async () => undefined as unknown as boolean, false],
    ["an error", () => Promise.reject(new Error("no file system")), false],
    ["false", async () => false, true],
  ];

  test.each(checks)("frozen that returns %s", async (_, frozen, isSigned) => {
    const { key, pay } = world([allow("all")], { frozen });
    if (isSigned) await pay(1n);
    else await signerError(pay(1n), "POLICY_DENIED");
    expect(key.honest.signatures).toBe(isSigned ? 1 : 0);
  });

  test("frozen that hangs denies", async () => {
    const denied = signerError(world([allow("all")], { frozen: never }).pay(1n), "POLICY_DENIED");
    await passTime(10_000);
    await denied;
  });

  test("deny wins over allow at the signer", async () => {
    const { pay } = world([allow("all"), deny("friend", to(FRIEND))]);
    expect((await signerError(pay(1n), "POLICY_DENIED")).info).toMatchObject({ rule: "friend" });
  });
});
