import { getAddress, getBytes, type TypedDataField } from "ethers";
import type { Approver } from "../policy/approvals.ts";
import { onAbort } from "../signer/on-abort.ts";
import type { SigningPayload } from "../signer/payload.ts";
import type { SignRequest, TypedDataSignRequest } from "../signer/sign-request.ts";
import { type ApprovalCollection, collectApprovals } from "./collect.ts";
import { createApprovalRequest } from "./create-request.ts";
import type { QuorumUsers } from "./merge.ts";
import { policyToken } from "./policy-token.ts";
import type { ApprovalRequest } from "./request.ts";

/** Who approves, and how a request reaches them. */
export interface QuorumApproverOptions {
  /** Who may approve: RSA-2048 public keys by name. */
  readonly approvers: QuorumUsers;
  /** How many approvals are enough, 1 or more. */
  readonly required: number;
  /** Who asks, shown to approvers. */
  readonly requester?: string | undefined;
  /**
   * Brings the request to people, and lets what receives their approvals find the collection. It need not wait for them. If it rejects,
   * the signature is denied.
   */
  readonly ask: (request: ApprovalRequest, collection: ApprovalCollection) => unknown;
}

/**
 * An approver for `requireApproval` of `ethers-hsm/policy`: m of n people in front of any key, as AWS KMS, Azure Key Vault or Google
 * Cloud KMS, with the requests, the command and the page of a CloudHSM quorum.
 *
 * **This process enforces it, not an HSM**: code in the process, and other users of the key, can sign without approvals. Each approval is a
 * signature over the digest, the account, the policy and the end of the request, so that it is of no use for another one.
 *
 * @returns the approver: it resolves when enough approvals came. Its `by`, which the audit keeps with the digest and the policy's id, names who
 *   approved and when: `alice at 2030-01-31T12:01:00.000Z, bob at …`.
 */
export function quorumApprover({ approvers, required, requester, ask }: QuorumApproverOptions): Approver {
  return async (asked, { signal }) => {
    const { id, rule, policyId, digest, request } = asked;
    const account = getAddress(request.account);
    const expiresAt = new Date(asked.expiresAt);
    const sent = createApprovalRequest({
      ...{ id, digest, requester, account, content: payloadOf(request), expiresAt },
      note: `rule ${JSON.stringify(rule)}`,
      token: policyToken({ id, digest, account, expiresAt: expiresAt.toISOString() }, policyId),
    });
    signal?.throwIfAborted();
    const ended = new AbortController();
    const release = signal && onAbort(signal, () => ended.abort(signal.reason));
    try {
      const collection = collectApprovals(sent, { approvers, required, signal: ended.signal, policyId });
      const asking = Promise.resolve(ask(sent, collection)).then(() => collection.approvals);
      await Promise.race([collection.approvals, asking]);
      const who = collection.record.approvals.map(({ username, at }) => `${username} at ${at}`);
      return { approved: true, id, digest, policyId, by: who.join(", ") };
    } finally {
      release?.();
      // Else the collection of a request that could not be sent would wait for its end.
      ended.abort(new Error("the requester no longer waits"));
    }
  };
}

function payloadOf(request: SignRequest): SigningPayload | { readonly type: "digest" } {
  switch (request.kind) {
    case "transaction":
      return { type: "transaction", unsigned: request.unsigned };
    case "message":
      return { type: "message", message: getBytes(request.message) };
    case "typed-data":
      return { type: "typed-data", domain: request.domain, types: typesOf(request), value: request.value };
    case "authorization":
      return { type: "authorization", chainId: request.chainId, address: request.delegate, nonce: request.nonce };
    case "digest":
      return { type: "digest" };
  }
}

/** EIP-712, "Definition of encodeType": `Mail(Person from)Person(address wallet)`. */
function typesOf({ encodedType }: TypedDataSignRequest): Record<string, TypedDataField[]> {
  const structs = [...encodedType.matchAll(/([^()]+)\(([^()]*)\)/g)];
  return Object.fromEntries(
    structs.map(([, name = "", fields = ""]) => [
      name,
      fields.split(",").map((field) => {
        const [type = "", fieldName = ""] = field.split(" ");
        return { name: fieldName, type };
      }),
    ]),
  );
}
