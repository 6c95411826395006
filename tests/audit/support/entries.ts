import { randomBytes } from "node:crypto";
import { hexlify, Wallet } from "ethers";
import type { AuditEntry, AuditIntent, AuditOutcome } from "../../../src/signer/audit-sink.ts";
import type { SignRequest } from "../../../src/signer/sign-request.ts";

const ACCOUNT = new Wallet(`0x${"11".repeat(32)}`).address;

/** What a signer appends before it signs a message. */
export function intentEntry(more: Partial<AuditIntent> = {}): AuditIntent {
  const digest = hexlify(randomBytes(32));
  const request: SignRequest = {
    kind: "message",
    account: ACCOUNT,
    digest,
    time: Date.now(),
    message: "0x6869",
    text: "hi",
  };
  const id = randomBytes(16).toString("hex");
  return {
    event: "intent",
    id,
    time: Date.now(),
    backend: "aws-kms",
    keyId: "alias/treasury",
    request,
    policy: null,
    ...more,
  };
}

/** What it appends afterwards. */
export function outcomeEntry(intent: AuditIntent, more: Partial<AuditOutcome> = {}): AuditOutcome {
  const { id } = intent;
  const hashes = { signatureHash: hexlify(randomBytes(32)), transactionHash: null };
  const result = { result: "ok", code: null, attempts: 1, requestIds: [], milliseconds: 12.5 } as const;
  return { event: "outcome", id, time: Date.now(), ...result, ...hashes, ...more };
}

export function denialEntry(): AuditEntry {
  const { id, time, backend, keyId, request, policy } = intentEntry();
  return { event: "denial", id, time, backend, keyId, request, policy, code: "POLICY_DENIED" };
}
