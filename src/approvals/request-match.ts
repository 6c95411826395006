import { type KnownContent, recompute } from "./content-digest.ts";
import { quoteName } from "./display.ts";
import { quorumError } from "./errors.ts";
import { checkPolicyToken } from "./policy-token.ts";
import type { ApprovalRequest } from "./request.ts";

const KEY_USAGE = "key-usage";

/**
 * Makes the content of a request again from its source, and compares everything with it that the request says.
 *
 * @throws SignerError with `info.reason` `"content-mismatch"`, `"chain-mismatch"`, `"wrong-service"` or `"token-mismatch"`.
 */
export function checkContent(request: ApprovalRequest): KnownContent {
  const known = recompute(request.content);
  if (!isSame(plain(known.content), plain(request.content))) {
    throw quorumError(
      "content-mismatch",
      `what the approval request shows of its ${known.content.type} is not what the ${known.content.type} says: do not approve it`,
    );
  }
  if (known.digest !== undefined && known.digest !== request.digest) {
    throw quorumError(
      "content-mismatch",
      `the digest of the approval request is not that of its ${known.content.type}: do not approve it`,
      { info: { digest: request.digest, contentDigest: known.digest } },
    );
  }
  if (known.chain !== undefined && known.chain !== "every" && known.chain !== request.chainId) {
    throw quorumError(
      "chain-mismatch",
      `the approval request names chain ${request.chainId}, its content ${known.chain}`,
      {
        info: { chainId: request.chainId, contentChainId: known.chain },
      },
    );
  }
  if (request.token.service !== KEY_USAGE) {
    throw quorumError(
      "wrong-service",
      `the token is for ${quoteName(request.token.service)}, not for ${KEY_USAGE}: do not approve it`,
    );
  }
  checkPolicyToken(request);
  return known;
}

/** Of JSON: the order of members does not count. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [ours, theirs] = [Object.entries(a), Object.keys(b)];
  const hasAll = ours.every(([name, value]) => Object.hasOwn(b, name) && isSame(value, b[name as keyof typeof b]));
  return Array.isArray(a) === Array.isArray(b) && ours.length === theirs.length && hasAll;
}

// Compared as JSON: a field that is absent and one that is undefined are the same there.
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
