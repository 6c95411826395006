/**
 * What a node's response to a signed transaction means.
 *
 * - `has-it`: the node has these bytes.
 * - `used`: a transaction with this nonce was mined.
 * - `occupied`: refused, since another transaction is pending with this nonce.
 * - `refused`: refused for a cause in the bytes or in the account.
 * - `early`: not refused for its content; the same bytes may be accepted after those with lower nonces.
 * - `unknown`: no response, or one that is in none of the tables. The node may have the bytes.
 */
export type Verdict = "has-it" | "used" | "occupied" | "refused" | "early" | "unknown";

/**
 * Parts of the messages of geth, Nethermind, Besu, Erigon, reth, Arbitrum Nitro, anvil and Hardhat, in lower case; the first match counts.
 * Sources: go-ethereum core/txpool/errors.go, Nethermind AcceptTxResult.cs, Besu TransactionInvalidReason and RpcErrorType,
 * Erigon txpoolcfg.go, reth EthApiError and InvalidPoolTransactionError, Nitro's sequencer, anvil InvalidTransactionError.
 */
const WORDINGS: readonly (readonly [Verdict, readonly string[]])[] = [
  ["unknown", ["unknown transaction"]],
  ["has-it", ["already known", "alreadyknown", "known transaction", "already imported", "already_exists", "same hash"]],
  ["used", ["nonce too low", "nonce is too low", "oldnonce", "nonce_too_low", "nonce has already been used"]],
  [
    "occupied",
    [
      "replacement transaction underpriced",
      "replacement fee too low",
      "could not replace",
      "can't replace",
      "replacementnotallowed",
      "address already reserved",
    ],
  ],
  [
    "early",
    [
      "nonce too high",
      "nonce is too high",
      "noncegap",
      "nonce gap",
      "gapped-nonce",
      "nonce too far in future",
      "too distant",
      "lower nonce exists",
      "in-flight transaction limit",
      "account limit exceeded",
      "accountlimitexceeded",
      "pool is full",
      "txpool full",
    ],
  ],
  [
    "refused",
    [
      "insufficient funds",
      "insufficientfunds",
      "doesn't have enough funds",
      "upfront cost exceeds",
      "upfront_cost_exceeds",
      "exceeds account balance",
      "underpriced",
      "fee too low",
      "feetoolow",
      "fee cap less than",
      "less than block base fee",
      "max fee per gas less than",
      "max priority fee per gas higher",
      "below configured minimum",
      "gas price below",
      "gas price too low",
      "intrinsic gas",
      "exceeds block gas limit",
      "gas limit exceeded",
      "gaslimitexceeded",
      "gas limit too high",
      "gas limit is too high",
      "gas limit too low",
      "gas_limit",
      "exceeds the configured cap",
      "oversized data",
      "max initcode size",
      "invalid sender",
      "invalid signature",
      "invalid chain id",
      "invalid chainid",
      "invalid_chain_id",
      "type not supported",
      "nottypesupported",
      "sender not an eoa",
      "senderiscontract",
    ],
  ],
];

/** What an error of `broadcastTransaction` means, whichever client's words it has and however ethers wrapped it. */
export function readVerdict(error: unknown): { readonly verdict: Verdict; readonly text: string | undefined } {
  const text = findText(error);
  if (text === undefined) return { verdict: "unknown", text };
  // What follows is the contract's own text.
  const words = text.toLowerCase().split("execution reverted")[0] ?? "";
  const found = WORDINGS.find(([, parts]) => parts.some((part) => words.includes(part)));
  return { verdict: found?.[0] ?? "unknown", text };
}

/** The message of the JSON-RPC error within: ethers and proxies put it at several places. */
function findText(error: unknown): string | undefined {
  const outer = properties(error);
  const info = properties(outer["info"]);
  const body = typeof info["responseBody"] === "string" ? parse(info["responseBody"]) : {};
  for (const each of [info["error"], outer["error"], properties(info["info"])["error"], body["error"], error]) {
    const { code, message, data } = properties(each);
    if (typeof code !== "number" || typeof message !== "string") continue;
    const inner = properties(data)["message"];
    return (typeof inner === "string" ? `${message}: ${inner}` : message).slice(0, 300);
  }
  return undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return properties(JSON.parse(text));
  } catch {
    return {};
  }
}

function properties(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
