import { assertArgument } from "ethers";
import type { AuditEntry } from "../signer/audit-sink.ts";
import type { SignRequest } from "../signer/sign-request.ts";

/**
 * What a log keeps of what was asked to be signed. `"digest"`: its kind and digest. `"summary"`: of a transaction also its chain, nonce,
 * recipient, value, highest cost, function selector and delegations; of typed data the domain and the type; of a message its length.
 * `"full"`: everything, and so what people wrote.
 */
export type AuditContent = "digest" | "summary" | "full";

/** An entry as a line of JSON holds it: times in ISO 8601, bigints as decimal text. */
export interface StoredEntry extends Readonly<Record<string, unknown>> {
  readonly event: AuditEntry["event"];
}

/** @throws ethers' INVALID_ARGUMENT. */
export function checkContent(content: AuditContent = "summary"): AuditContent {
  const isContent = content === "digest" || content === "summary" || content === "full";
  assertArgument(isContent, "content must be digest, summary or full", "content", content);
  return content;
}

export function storeEntry(entry: AuditEntry, content: AuditContent): StoredEntry {
  const { event, id, time, ...fields } = entry;
  const stored = "request" in fields ? { ...fields, request: storeRequest(fields.request, content) } : fields;
  return toPlain({ event, id, time: new Date(time).toISOString(), ...stored }) as StoredEntry;
}

function storeRequest(request: SignRequest, content: AuditContent): Readonly<Record<string, unknown>> {
  const { kind, account, digest } = request;
  if (content === "digest") return { kind, account, digest };
  const { time: _, ...all } = request;
  return content === "full" ? all : { kind, account, digest, ...summarize(request) };
}

function summarize(request: SignRequest): Readonly<Record<string, unknown>> {
  if (request.kind === "transaction") {
    const { type, chainId, nonce, to, value, maxCost, data, delegations } = request;
    const selector = data.length >= 10 ? data.slice(0, 10) : null;
    return { type, chainId, nonce, to, value, maxCost, selector, dataBytes: data.length / 2 - 1, delegations };
  }
  if (request.kind === "message") return { messageBytes: request.message.length / 2 - 1 };
  if (request.kind === "typed-data") {
    const { domain, primaryType, typeHash } = request;
    return { domain, primaryType, typeHash };
  }
  if (request.kind === "authorization") {
    const { chainId, delegate, nonce } = request;
    return { chainId, delegate, nonce };
  }
  return { problem: request.problem };
}

function toPlain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, each) => (typeof each === "bigint" ? each.toString() : each)));
}
