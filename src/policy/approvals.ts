import { hexlify, randomBytes } from "ethers";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { SignRequest } from "../signer/sign-request.ts";
import { printable } from "./printable.ts";

/** What a person is asked to approve. */
export interface ApprovalRequest {
  /** 16 random bytes, hex: an approval is used once. */
  readonly id: string;
  /** The rule that requires it. */
  readonly rule: string;
  /** The policy's id. */
  readonly policyId: string;
  /** The 32 bytes to be signed, hex. */
  readonly digest: string;
  /** What is to be signed, decoded. */
  readonly request: SignRequest;
  /** When the approval is no longer accepted: milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The answer: it repeats what it is for. */
export interface Approval {
  /** Exactly true lets it be signed. */
  readonly approved: boolean;
  /** The {@link ApprovalRequest.id}. */
  readonly id: string;
  /** The {@link ApprovalRequest.digest}. */
  readonly digest: string;
  /** The {@link ApprovalRequest.policyId}. */
  readonly policyId: string;
  /** Who decided, for the audit and for messages: at most 200 characters, control characters become spaces. */
  readonly by: string;
}

/**
 * Asks people, for example in a chat or a ticket, and checks that the answer is theirs. It stops asking when the signal aborts.
 *
 * What it rejects with, and an approval of another request, deny the request.
 */
export type Approver = (request: ApprovalRequest, options: CallOptions) => Promise<Approval>;

interface Asked {
  readonly rule: string;
  readonly policyId: string;
  readonly request: SignRequest;
}

/** @returns who approved. @throws an error that says why it is not approved; the signal's reason. */
export async function askApproval(
  approver: Approver,
  { rule, policyId, request }: Asked,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { digest } = request;
  const id = hexlify(randomBytes(16)).slice(2);
  const asked = Object.freeze({ id, rule, policyId, digest, request, expiresAt: Date.now() + timeout });
  const error = () => new Error(`no approval came within ${timeout} ms`);
  const call = async (either: AbortSignal) => approver(asked, { signal: either });
  const approval = await withDeadline(call, { signal, deadline: { ms: timeout, error } });
  if (approval.id !== id || approval.digest !== digest || approval.policyId !== policyId) {
    throw new Error("the approval is for another request");
  }
  const by = printable(String(approval.by));
  if (approval.approved !== true) throw new Error(`${by} did not approve`);
  return by;
}
