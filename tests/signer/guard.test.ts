import { describe, expect, jest, test } from "@jest/globals";
import { getBytes, hashMessage, id, keccak256, Transaction, TypedDataEncoder, Wallet } from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import type { AuditEntry, AuditSink } from "../../src/signer/audit-sink.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import type { PolicyDecision, SigningPolicy, SigningResult } from "../../src/signer/signing-policy.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { gate, rejection, signerError } from "./rejection.ts";

const KEY = id("guarded");
const { address } = new Wallet(KEY);
const DIGEST = id("a digest");

class RecordingPolicy implements SigningPolicy {
  readonly id = "a policy";
  readonly requests: SignRequest[] = [];
  readonly results: SigningResult[] = [];
  outcome: PolicyDecision["outcome"] = "allow";

  async decide(request: SignRequest): Promise<PolicyDecision> {
    this.requests.push(request);
    const settle = async (result: SigningResult) => void this.results.push(result);
    return { outcome: this.outcome, rule: "a rule", reasons: ["a reason"], approvals: [], holds: [], settle };
  }
}

class RecordingSink implements AuditSink {
  readonly entries: AuditEntry[] = [];
  onAppend: (entry: AuditEntry) => Promise<void> = async () => {};

  async append(entry: AuditEntry): Promise<void> {
    await this.onAppend(entry);
    this.entries.push(entry);
  }

  async close(): Promise<void> {}
}

function guarded() {
  const key = new FaultyKey(KEY);
  const [policy, audit] = [new RecordingPolicy(), new RecordingSink()];
  return { key, policy, audit, signer: new RemoteSigner(key, null, { policy, audit, timeout: 1_000 }) };
}

const events = ({ entries }: RecordingSink) => entries.map((entry) => entry.event);

describe("the policy", () => {
  test("a denial reaches the caller, and the key is not asked", async () => {
    const { key, policy, audit, signer } = guarded();
    policy.outcome = "deny";
    const error = await signerError(signer.signDigest(DIGEST), "POLICY_DENIED");
    expect(error).toMatchObject({ retryable: false, backend: key.backend, keyId: key.id, operation: "signDigest" });
    expect(error.info).toEqual({ rule: "a rule", reasons: ["a reason"], policyId: "a policy" });
    expect([key.honest.signatures, policy.results, events(audit)]).toEqual([0, [], ["denial"]]);
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("a bug"))],
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
    ],
    ["returns another outcome", async () => ({ outcome: true, reasons: [] })],
    ["returns nothing", async () => undefined],
  ])("one that %s denies", async (_, decide) => {
    const key = new FaultyKey(KEY);
    const policy = { id: "a policy", decide } as unknown as SigningPolicy;
    await signerError(new RemoteSigner(key, null, { policy }).signDigest(DIGEST), "POLICY_DENIED");
    expect(key.honest.signatures).toBe(0);
  });

  test("the key's success, refusal and doubt are settled as such", async () => {
    const { key, policy, signer } = guarded();
    await signer.signDigest(DIGEST);
    for (const code of ["ACCESS_DENIED", "THROTTLED", "BACKEND_TIMEOUT", "SIGNATURE_MISMATCH"] as const) {
      key.onSign = () => Promise.reject(new SignerError(code, code));
      await signerError(signer.signDigest(DIGEST), code);
    }
    expect(policy.results).toEqual(["ok", "refused", "refused", "unknown", "unknown"]);
  });

  test("a failover decides once, and is refused only if each replica refused", async () => {
    const keys = [new FaultyKey(KEY), new FaultyKey(KEY)] as const;
    const policy = new RecordingPolicy();
    const failover = new FailoverKey(keys, { expectedAddress: address, policy });
    keys[0].onSign = () => Promise.reject(new SignerError("ACCESS_DENIED", "no"));
    await new RemoteSigner(failover).signDigest(DIGEST);
    await failover.signDigest(getBytes(DIGEST));
    expect([policy.requests.length, policy.results]).toEqual([2, ["ok", "ok"]]);
    keys[1].onSign = () => Promise.reject(new SignerError("BACKEND_TIMEOUT", "late"));
    await rejection(failover.signDigest(getBytes(DIGEST)));
    keys[1].onSign = () => Promise.reject(new SignerError("KEY_UNUSABLE", "no"));
    await rejection(failover.signDigest(getBytes(DIGEST)));
    expect(policy.results.slice(2)).toEqual(["unknown", "refused"]);
  });

  test("no option, no guard: a payload is not looked at", async () => {
    const payload = {
      get type(): never {
        throw new Error("looked at");
      },
    } as unknown as SigningPayload;
    const key = new FaultyKey(KEY);
    const spy = jest.spyOn(Date, "now");
    await new RemoteSigner(key).signDigest(DIGEST);
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
    expect(() => payload.type).toThrow("looked at");
  });
});

describe("the request", () => {
  const ask = async (payload: SigningPayload | undefined, digest = DIGEST) => {
    const { policy, signer } = guarded();
    await signer.signDigest(digest, { payload });
    return policy.requests[0] as SignRequest;
  };

  test("without a payload is a bare digest", async () => {
    expect(await ask(undefined)).toMatchObject({ kind: "digest", account: address, digest: DIGEST, problem: null });
  });

  test("a payload of another digest, or of none, is a bare digest with a problem", async () => {
    const message = getBytes("0x1234");
    const forged = await ask({ type: "message", message });
    expect(forged).toMatchObject({ kind: "digest", problem: expect.stringContaining(hashMessage(message)) });
    const broken = await ask({ type: "transaction", unsigned: "0x02c0" });
    expect(broken).toMatchObject({ kind: "digest", problem: "the payload cannot be decoded" });
    const signed = await new Wallet(KEY).signTransaction({ to: address, chainId: 1, gasLimit: 21_000 });
    expect(await ask({ type: "transaction", unsigned: signed }, keccak256(signed))).toMatchObject({ kind: "digest" });
    // RLP with a leading zero in the nonce.
    const loose = "0x01c98201008080808080808080c0";
    expect(await ask({ type: "transaction", unsigned: loose }, keccak256(loose))).toMatchObject({ kind: "digest" });
  });

  test("a message that is not bytes is read as the hex that it is, not as text", async () => {
    const message = "0x6869" as unknown as Uint8Array;
    expect(await ask({ type: "message", message }, hashMessage("0x6869"))).toMatchObject({ kind: "digest" });
    expect(await ask({ type: "message", message }, hashMessage("hi"))).toMatchObject({ kind: "message", text: "hi" });
  });

  test("typed data whose value reads differently each time: the request says what the digest is of", async () => {
    const [types, domain] = [{ Order: [{ name: "prices", type: "uint256[]" }] }, { chainId: 1 }];
    let reads = 0;
    // A function is not copied, and this one is an array as far as ethers looks.
    const prices = Object.assign(() => {}, { map: (read: (price: number) => unknown) => [read(++reads > 2 ? 9 : 1)] });
    const value = { prices };
    const digest = TypedDataEncoder.hash(domain, types, value);
    const request = await ask({ type: "typed-data", domain, types, value }, digest);
    expect(request).toMatchObject({ kind: "typed-data", value: { prices: [1n] } });
  });

  test("typed data whose types refer to each other in a billion ways is not decoded", async () => {
    const names = Array.from({ length: 31 }, (_, index) => `T${index}`);
    const types = Object.fromEntries(
      names.map((name, index) => {
        const below = names[index + 1] ?? "uint256";
        return [name, ["a", "b"].map((field) => ({ name: field, type: below }))];
      }),
    );
    const request = await ask({ type: "typed-data", domain: {}, types, value: {} });
    expect(request).toMatchObject({ kind: "digest", problem: "the payload cannot be decoded" });
  });

  test("a domain is read as it is hashed", async () => {
    const types = { Order: [{ name: "price", type: "uint256" }] };
    for (const [index, domain] of [
      { name: "" },
      { name: null },
      { version: "null" },
      { chainId: 2n ** 64n },
    ].entries()) {
      const digest = TypedDataEncoder.hash(domain, types, { price: index });
      const payload = { type: "typed-data", domain, types, value: { price: index } } as const;
      expect(await ask(payload, digest)).toMatchObject({ kind: "typed-data", value: { price: BigInt(index) } });
    }
  });

  test("is deeply frozen, and shares nothing with the payload", async () => {
    const list = [
      {
        address,
        chainId: 1n,
        nonce: 5n,
        signature: await new Wallet(KEY).authorize({ address, chainId: 1, nonce: 5 }).then((each) => each.signature),
      },
    ];
    const { unsignedSerialized: unsigned } = Transaction.from({
      ...{
        type: 4,
        chainId: 1,
        nonce: 3,
        to: address,
        gasLimit: 50_000,
        maxFeePerGas: 7n,
        maxPriorityFeePerGas: 1n,
        value: 2n,
      },
      authorizationList: list,
    });
    const request = await ask({ type: "transaction", unsigned }, keccak256(unsigned));
    expect(request).toMatchObject({
      ...{ kind: "transaction", type: 4, chainId: 1n, nonce: 3, to: address, value: 2n, maxCost: 350_002n },
      delegations: [{ chainId: 1n, delegate: address, nonce: 5n }],
    });
    expect(() => Reflect.set(Object(request), "to", null) || raise()).toThrow();
    if (request.kind === "transaction")
      expect([request.delegations, request.delegations[0]].every(Object.isFrozen)).toBe(true);
  });

  test("a legacy transaction without EIP-155 has no chain", async () => {
    const { unsignedSerialized: unsigned } = Transaction.from({ type: 0, to: address, gasLimit: 21_000, gasPrice: 3n });
    expect(await ask({ type: "transaction", unsigned }, keccak256(unsigned))).toMatchObject({
      type: 0,
      chainId: null,
      maxCost: 63_000n,
    });
  });
});

describe("the audit", () => {
  stopTime();

  test("the intent is stored before the key is asked, the outcome before the caller gets the signature", async () => {
    const { key, audit, signer } = guarded();
    const stored = gate();
    audit.onAppend = ({ event }) => (event === "intent" ? stored.opened : Promise.resolve());
    const signing = signer.signMessage("pay");
    await passTime(1);
    expect(key.honest.signatures).toBe(0);
    stored.open();
    const signature = await signing;
    const [intent, outcome] = audit.entries;
    expect(intent).toMatchObject({
      event: "intent",
      keyId: key.id,
      request: { kind: "message", text: "pay" },
      policy: { outcome: "allow" },
    });
    expect(outcome).toMatchObject({
      event: "outcome",
      id: intent?.id,
      result: "ok",
      code: null,
      signatureHash: keccak256(signature),
    });
    expect(JSON.stringify(audit.entries, (_, value) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
      signature.slice(2, 66),
    );
  });

  test("a transaction's outcome has its hash", async () => {
    const { audit, signer } = guarded();
    const signed = await signer.signTransaction({
      to: address,
      chainId: 1,
      nonce: 0,
      gasLimit: 21_000,
      maxFeePerGas: 1n,
    });
    expect(audit.entries[1]).toMatchObject({ transactionHash: Transaction.from(signed).hash });
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["hangs", () => new Promise<void>(() => {})],
  ])("a sink that %s at the intent: nothing is signed, and holds are released", async (_, onAppend) => {
    const { key, policy, audit, signer } = guarded();
    audit.onAppend = onAppend;
    const failing = signerError(signer.signDigest(DIGEST), "AUDIT_FAILED");
    await passTime(1_000);
    await failing;
    expect([key.honest.signatures, policy.results]).toEqual([0, ["refused"]]);
    audit.onAppend = async () => {};
    await signer.signDigest(DIGEST);
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("disk full"))],
    ["hangs", () => new Promise<void>(() => {})],
  ])(
    "a sink that %s at the outcome costs no signature, and gets no later intent, from any signer",
    async (_, onAppend) => {
      const { key, audit, signer } = guarded();
      audit.onAppend = (entry) => (entry.event === "outcome" ? onAppend() : Promise.resolve());
      const signing = signer.signDigest(DIGEST);
      await passTime(1_000);
      expect((await signing).r).toMatch(/^0x/);
      audit.onAppend = async () => {};
      await signerError(signer.signDigest(DIGEST), "AUDIT_FAILED");
      await signerError(new RemoteSigner(new FaultyKey(KEY), null, { audit }).signDigest(DIGEST), "AUDIT_FAILED");
      expect([key.honest.signatures, events(audit)]).toEqual([1, ["intent"]]);
    },
  );

  test("a denial that cannot be stored stays a denial", async () => {
    const { policy, audit, signer } = guarded();
    policy.outcome = "deny";
    audit.onAppend = () => Promise.reject(new Error("disk full"));
    await signerError(signer.signDigest(DIGEST), "POLICY_DENIED");
  });

  test("a failure has its code and its doubt", async () => {
    const { key, audit, signer } = guarded();
    key.onSign = () => Promise.reject(new SignerError("BACKEND_TIMEOUT", "late", { requestId: "r-1" }));
    await rejection(signer.signDigest(DIGEST));
    expect(audit.entries[1]).toMatchObject({
      result: "unknown",
      code: "BACKEND_TIMEOUT",
      ...{ attempts: 1, requestIds: ["r-1"] },
      signatureHash: null,
    });
  });

  test("the policy and the sink wait outside the key's timeout, and the signal ends the wait", async () => {
    const key = new FaultyKey(KEY);
    const policy: SigningPolicy = { id: "slow", decide: () => new Promise(() => {}) };
    const signer = new RemoteSigner(key, null, { policy, timeout: 1_000 });
    const [controller, reason] = [new AbortController(), new Error("enough")];
    let isOver = false;
    const signing = rejection(signer.signDigest(DIGEST, { signal: controller.signal }));
    signing.finally(() => {
      isOver = true;
    });
    await passTime(600_000);
    expect(isOver).toBe(false);
    controller.abort(reason);
    expect(await signing).toBe(reason);
    expect(key.honest.signatures).toBe(0);
  });
});

function raise(): never {
  throw new Error("it could not be set");
}
