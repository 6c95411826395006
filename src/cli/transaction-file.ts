import { isHexString, Transaction, type TransactionRequest } from "ethers";
import type { Context } from "./context.ts";
import { requireUsage, UsageError } from "./usage-error.ts";

const NAMES: ReadonlySet<string> = new Set([
  ...["type", "to", "from", "nonce", "gasLimit", "gasPrice", "maxPriorityFeePerGas", "maxFeePerGas", "data", "value"],
  ...["chainId", "accessList", "blobVersionedHashes", "maxFeePerBlobGas", "authorizationList"],
]);

// As JSON-RPC calls them.
const SYNONYMS: Readonly<Record<string, string>> = { gas: "gasLimit", input: "data" };

/**
 * A transaction of a file: a JSON object in ethers' or in JSON-RPC's words, or an unsigned transaction's serialization as hex.
 * Amounts are wei, as decimal or hex text.
 *
 * @throws UsageError.
 */
export async function readTransaction(context: Context, file: string): Promise<TransactionRequest> {
  const text = (await context.read(file)).trim();
  if (isHexString(text)) return fromSerialization(text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError("the transaction must be a JSON object, or a serialization as 0x and hexadecimal digits");
  }
  requireUsage(
    typeof parsed === "object" && parsed !== null && !Array.isArray(parsed),
    "the transaction is no JSON object",
  );
  const request: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(parsed)) {
    const name = SYNONYMS[given] ?? given;
    requireUsage(NAMES.has(name), `the transaction has a field ${JSON.stringify(given)} that is unknown here`);
    requireUsage(!(name in request), `the transaction has ${given} twice, under two names`);
    if (value !== null) request[name] = value;
  }
  return request;
}

function fromSerialization(text: string): TransactionRequest {
  const transaction = parseTransaction(text);
  requireUsage(!transaction.isSigned(), "the transaction is signed already");
  const { to, from: _from, ...fields } = transaction.toJSON() as Record<string, unknown>;
  const present = Object.entries({ to, ...fields }).filter(([name, value]) => NAMES.has(name) && value !== null);
  return Object.fromEntries(present);
}

/** @throws UsageError. */
export function parseTransaction(text: string): Transaction {
  try {
    return Transaction.from(text);
  } catch {
    throw new UsageError("these are not the bytes of a transaction");
  }
}

/** What a signature without a node needs to be told, lest it be good for another chain, or for none. @throws UsageError. */
export function requireComplete(request: TransactionRequest): void {
  const isLegacy = request.gasPrice !== undefined || request.type === 0 || request.type === 1;
  const fees = isLegacy ? ["gasPrice"] : ["maxFeePerGas", "maxPriorityFeePerGas"];
  const needed = ["chainId", "nonce", "gasLimit", ...fees] as (keyof TransactionRequest)[];
  const missing = needed.filter((name) => request[name] === undefined);
  requireUsage(
    missing.length === 0,
    `the transaction lacks ${missing.join(", ")}: add them, or pass --rpc, so that they are filled in`,
  );
}
