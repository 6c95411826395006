import { expect, test } from "@jest/globals";
import type { RawSignature, RemoteKey } from "../../src/index.ts";
import { definePolicy } from "../../src/policy/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import type { PolicyDecision, SigningPolicy } from "../../src/signer/signing-policy.ts";
import { TestKey } from "../../src/testing/index.ts";
import { RecordingChain } from "../hostile/chain.ts";
import { doors } from "../hostile/doors.ts";
import { ADDRESS, PRIVATE_KEY } from "../hostile/every-door.ts";

/** What each way to a signature asks for. */
const KINDS: Readonly<Record<string, SignRequest["kind"]>> = {
  signDigest: "digest",
  signMessage: "message",
  signTransaction: "transaction",
  signTypedData: "typed-data",
  authorize: "authorization",
  sendTransaction: "transaction",
  "EIP-1193's personal_sign": "message",
  "EIP-1193's eth_signTypedData_v4": "typed-data",
  "EIP-1193's eth_sign": "message",
  "EIP-1193's eth_signTransaction": "transaction",
  "EIP-1193's eth_sendTransaction": "transaction",
  "viem's sign": "digest",
  "viem's signMessage": "message",
  "viem's signTransaction": "transaction",
  "viem's signTypedData": "typed-data",
  "viem's signAuthorization": "authorization",
  "viem's sendTransaction of a wallet client": "transaction",
};

class CountingKey implements RemoteKey {
  readonly backend = "memory";
  readonly id = "counted";
  readonly #key = new TestKey(PRIVATE_KEY);
  signatures = 0;

  async getPublicKey(): Promise<Uint8Array> {
    return this.#key.getPublicKey();
  }

  async signDigest(digest: Uint8Array): Promise<RawSignature> {
    this.signatures += 1;
    return this.#key.signDigest(digest);
  }
}

const decided = (outcome: PolicyDecision["outcome"], settle = async () => {}): PolicyDecision => ({
  ...{ outcome, rule: "the rule", reasons: [], approvals: [], settle },
  holds: [{ limit: "daily", amount: 1n }],
});
const throws = (): never => {
  throw new TypeError("no database");
};

const nothingAllowed = definePolicy({ name: "closed", version: 1, rules: [] });
const DECISIONS: readonly (readonly [string, SigningPolicy["decide"], isSigned: boolean])[] = [
  ["no rule allows", (request, options) => nothingAllowed.decide(request, options), false],
  ["a policy rejects", () => Promise.reject(new TypeError("no database")), false],
  ["a policy answers without sense", async () => decided("yes" as "allow"), false],
  ["a policy allows by half a decision", async () => ({ outcome: "allow" }) as PolicyDecision, false],
  ["a policy allows, and fails to settle", async () => decided("allow", throws), true],
  ["a policy in shadow mode would deny", async () => decided("would-deny"), true],
  ["a policy allows", async () => decided("allow"), true],
];

test("every way to a signature is known here", () => {
  expect(doors.map(({ name }) => name)).toEqual(Object.keys(KINDS));
});

test.each(DECISIONS)("what %s, through every door", async (_, decide, isSigned) => {
  const outcomes = await Promise.all(
    doors.map(async (door) => {
      const asked: string[] = [];
      const policy: SigningPolicy = {
        id: "recorded",
        decide: (request, options) => {
          asked.push(request.kind);
          return decide(request, options);
        },
      };
      const [key, chain] = [new CountingKey(), new RecordingChain()];
      const use = door.open(new RemoteSigner(key, null, { policy }), chain, ADDRESS);
      const got = await use(1).catch(codeOf);
      return [door.name, asked, got, key.signatures, chain.sent.length];
    }),
  );
  expect(outcomes).toEqual(
    doors.map(({ name, sends }) => {
      const refusal = name.startsWith("EIP-1193") ? 4001 : "POLICY_DENIED";
      return [name, [KINDS[name]], isSigned ? ADDRESS : refusal, isSigned ? 1 : 0, isSigned && sends ? 1 : 0];
    }),
  );
});

/** The code of an error, or of the one within viem's. */
function codeOf(error: unknown): unknown {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return code ?? (cause === undefined ? String(error) : codeOf(cause));
}
