import { assertArgument, type BigNumberish, getAddress, getBigInt, parseEther } from "ethers";
import type { RequestContent } from "./content.ts";
import type { ContentChain } from "./content-digest.ts";
import { decodeContent } from "./decode.ts";
import { type Line, render } from "./display.ts";
import { quorumError } from "./errors.ts";
import { Knowledge, type KnowledgeOptions } from "./knowledge.ts";
import type { ApprovalRequest } from "./request.ts";
import { checkForm } from "./request.ts";
import { checkContent } from "./request-match.ts";
import { displayLines } from "./summary.ts";
import { type FeeLimits, warningsOf } from "./warnings.ts";

const MAX_FEE = parseEther("0.1");
const MAX_FEE_SHARE = 0.1;

/** What a request is measured by, and what the approver knows beside it. */
export interface VerifyRequestOptions extends KnowledgeOptions {
  /** Refuses a request for another account. The approver knows it from elsewhere; `false` accepts any account. */
  readonly expectedAccount: string | false;
  /**
   * Refuses a request for another chain, and transactions and authorizations that hold on every chain. Messages, and typed data
   * that names no chain, pass unless their request names another one. `false` accepts any chain.
   */
  readonly expectedChainId: BigNumberish | false;
  /** The time to measure the expiry by. Default: this computer's clock. */
  readonly now?: Date | undefined;
  /** Accepts a request that does not say what is signed. Default: false. Nothing but the requester's word stands behind it. */
  readonly allowBareDigest?: boolean | undefined;
  /** In wei: a warning for fees that can be higher. Default: 0.1 ether. */
  readonly maxFee?: BigNumberish | undefined;
  /** Of the value that is sent, 0 to 1: a warning for fees that can be a larger share. Default: 0.1. */
  readonly maxFeeShare?: number | undefined;
}

/** An approval request whose parts belong together. */
export interface VerifiedRequest {
  /** A copy of the request, as it was checked. */
  readonly request: ApprovalRequest;
  /** What is signed. */
  readonly content: RequestContent;
  /** 32 bytes in lower-case hex. */
  readonly digest: string;
  /** The address that is to sign. */
  readonly account: string;
  /** Undefined where neither the content nor the requester names one. */
  readonly chainId: bigint | undefined;
  /** What an approver should not overlook, a sentence each; empty for an ordinary request. */
  readonly warnings: readonly string[];
  /** All of it, names and values, for a page of your own: escaped as in `summary`, and without its rows. */
  readonly lines: readonly Line[];
  /**
   * All of it for people, in rows of at most 40 columns, hexadecimal digits excepted; a row that continues a line begins with `  | `.
   * Text from the requester is in quotes, and every character that is not plain printable text is escaped: it can neither look like
   * a line of this display, on a terminal of 40 columns or more, nor hide, reorder or write anything. Text of more than 1,024 characters,
   * calldata of more than 1,023 bytes and more than 500 lines are cut, which is said.
   */
  readonly summary: string;
}

/**
 * Checks what an approver was sent, without an HSM: the digest is made again from the content, and so is all that the request
 * shows of it; the token is the SHA-256 of its approval data and is for the use of a key; the request has not expired.
 *
 * It cannot prove that the approval will be used for this digest: a token names no digest, and a process that has an approved one and
 * the login session that made it can sign another digest with it, once. Nor does anything prove the token's `service` and
 * `key_reference`, which stand beside approval data in a layout of AWS's own, or that its key is that of `account`. Approvers trust
 * the requester's process for these, as for `requester` and `note`.
 * Nothing is looked up. Calls of ERC-20, ERC-721, Safe and Permit2 are shown by their meaning, others by the approver's own `abis` and
 * `descriptors`; what does not encode to the same bytes again is not decoded, which is a warning. A selector alone does not prove that a
 * contract is of a standard, or that it does what its function is called.
 *
 * @throws SignerError with `info.reason` `"expired"`, `"content-mismatch"`, `"account-mismatch"`, `"chain-mismatch"`,
 *   `"bare-digest"`, `"wrong-service"` or `"token-mismatch"`; ethers' INVALID_ARGUMENT for a malformed request, and without
 *   `expectedAccount` or `expectedChainId`.
 */
export function verifyApprovalRequest(request: ApprovalRequest, options: VerifyRequestOptions): VerifiedRequest {
  checkExpectations(options);
  const copy = checkForm(request);
  const known = checkContent(copy);
  const { content, chain } = known;
  checkTime(copy, options.now ?? new Date());
  checkAccount(copy, options.expectedAccount);
  checkChain(copy, chain, options.expectedChainId);
  if (content.type === "digest" && options.allowBareDigest !== true) {
    throw quorumError(
      "bare-digest",
      "the approval request does not say what is signed: refuse it, or pass allowBareDigest where you know it otherwise",
    );
  }
  const knowledge = new Knowledge(options);
  const decoded = decodeContent(content, knowledge);
  const warnings = warningsOf(copy, known, { decoded, knowledge, limits: feeLimits(options) });
  const lines = displayLines(copy, known, { decoded, knowledge, warnings });
  return {
    request: copy,
    content,
    digest: copy.digest,
    account: copy.account,
    chainId: copy.chainId === undefined ? undefined : BigInt(copy.chainId),
    warnings,
    lines,
    summary: render(lines),
  };
}

function feeLimits({ maxFee = MAX_FEE, maxFeeShare = MAX_FEE_SHARE }: VerifyRequestOptions): FeeLimits {
  const isShare = typeof maxFeeShare === "number" && maxFeeShare >= 0 && maxFeeShare <= 1;
  assertArgument(isShare, "maxFeeShare must be 0 to 1", "maxFeeShare", maxFeeShare);
  return { maxFee: getBigInt(maxFee, "maxFee"), maxFeeShare };
}

// Without types, a forgotten option must not pass as one that was switched off.
function checkExpectations(options: VerifyRequestOptions): void {
  for (const name of ["expectedAccount", "expectedChainId"] as const) {
    const isGiven = options?.[name] !== undefined && options[name] !== null;
    assertArgument(
      isGiven,
      `pass ${name} as you know it from elsewhere, or false to accept any`,
      name,
      options?.[name],
    );
  }
}

function checkTime({ expiresAt }: ApprovalRequest, now: Date): void {
  assertArgument(!Number.isNaN(now.getTime()), "now must be a valid Date", "now", now);
  if (now.getTime() < Date.parse(expiresAt)) return;
  throw quorumError("expired", `the approval request expired at ${expiresAt}; ask for a new one`, {
    info: { expiresAt },
  });
}

function checkAccount({ account }: ApprovalRequest, expected: string | false): void {
  if (expected === false || getAddress(expected) === account) return;
  throw quorumError("account-mismatch", `the approval request is for ${account}, not for ${getAddress(expected)}`, {
    info: { expected: getAddress(expected), actual: account },
  });
}

function checkChain({ chainId }: ApprovalRequest, chain: ContentChain, expected: BigNumberish | false): void {
  if (expected === false) return;
  const wanted = `${getBigInt(expected, "expectedChainId")}`;
  // A message belongs to no chain: it passes unless its request names another one.
  if (chain !== "every" && (chainId === undefined || chainId === wanted)) return;
  const found = chain === "every" ? "every chain" : `chain ${chainId}`;
  throw quorumError("chain-mismatch", `the approval request is for ${found}, not for chain ${wanted}`, {
    info: { expectedChainId: wanted, chainId: chainId ?? null },
  });
}
