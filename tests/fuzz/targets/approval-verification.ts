import { match, strictEqual } from "node:assert";
import { getBytes, hashAuthorization, hashMessage, isError, keccak256, TypedDataEncoder } from "ethers";
import { hashTypedData } from "viem";
import type { RequestContent } from "../../../src/approvals/content.ts";
import { type VerifiedRequest, verifyApprovalRequest } from "../../../src/approvals/verify-request.ts";
import { isSignerError } from "../../../src/core/errors.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { mendRequest, NOW, requests } from "../support/requests.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

// SignerErrors with these codes carry a reason; verifyApprovalRequest lists them.
const CODES = ["ACCESS_DENIED", "ADDRESS_MISMATCH"] as const;
const OPTIONS = { expectedAccount: false, expectedChainId: false, now: NOW, allowBareDigest: true } as const;
const LINES = /^(?:[^\p{C}\p{Zl}\p{Zp}]+\n)*[^\p{C}\p{Zl}\p{Zp}]+$/u;

/** The digest of what an approver sees, by a way of its own. */
function digestOf(content: RequestContent, digest: string): string {
  switch (content.type) {
    case "transaction":
      return keccak256(content.unsigned);
    case "message":
      return hashMessage(getBytes(content.message));
    case "typed-data":
      return typedDataDigest(content);
    case "authorization":
      return hashAuthorization({ ...content, chainId: BigInt(content.chainId), nonce: BigInt(content.nonce) });
    case "digest":
      return digest;
  }
}

/** viem's, where it takes the data: it wants each domain field in its own type. Else ethers', of what is shown. */
function typedDataDigest(content: Extract<RequestContent, { type: "typed-data" }>): string {
  const { domain, types, primaryType, message } = content;
  const known = { ...domain, ...(domain["chainId"] === undefined ? {} : { chainId: BigInt(domain["chainId"]) }) };
  try {
    return hashTypedData({ domain: known, types, primaryType, message } as never);
  } catch {
    return TypedDataEncoder.hash(domain, structuredClone(types) as never, message);
  }
}

/**
 * What an approver relies on: a request that passes has the digest of the content that it shows, and a summary that neither
 * breaks a line nor writes on a terminal.
 */
export const target: FuzzTarget<VerifiedRequest> = {
  maxLength: 65_536,
  // An EIP-7702 transaction's authorizations have their signers recovered, which is no decoding: a millisecond each.
  msPerKilobyte: 6,
  seeds: () => requests().map((request) => bytesOf(JSON.stringify(request))),
  decode: (input) => verifyApprovalRequest(jsonOf(input) as never, OPTIONS),
  allows: (error) => isError(error, "INVALID_ARGUMENT") || CODES.some((code) => isSignerError(error, code)),
  confirm(_input, { content, digest, summary }) {
    strictEqual(digestOf(content, digest), digest);
    match(summary, LINES);
  },
  mutate: (input, random, other) => mutateJson(input, random, other, mendRequest),
};
