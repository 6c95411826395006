import { isSignerError } from "../core/errors.ts";
import { CommandError } from "./errors.ts";
import { exitCodeOf } from "./exit-codes.ts";

/** What the command reports of a failure. */
export interface FailureReport {
  readonly code: string;
  readonly message: string;
  readonly backend?: string | undefined;
  readonly keyId?: string | undefined;
  readonly operation?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly requestId?: string | undefined;
  /** The hash of the transaction that a node may have. */
  readonly hash?: string | undefined;
  readonly exitCode: number;
}

/** Neither values nor URLs of ethers' errors are reported: both may contain a secret, an RPC URL the key of its service. */
export function reportOf(error: unknown): FailureReport {
  const exitCode = exitCodeOf(error);
  if (isSignerError(error)) {
    const { code, message, backend, keyId, operation, retryable, requestId } = error;
    return { code, message, backend, keyId, operation, retryable, requestId, exitCode };
  }
  if (error instanceof CommandError) {
    const { code, message, hash } = error;
    return { code, message: withoutUrls(message), hash, exitCode };
  }
  const { message, shortMessage, code, info, error: answer } = error as Readonly<Record<string, unknown>>;
  const text = typeof shortMessage === "string" ? shortMessage : String(message);
  const { message: byNode } = Object(answer ?? Object(info).error) as { readonly message?: unknown };
  const said = typeof byNode === "string" && !text.includes(byNode) ? `${text} (the node says: ${byNode})` : text;
  return { code: typeof code === "string" ? code : "UNEXPECTED", message: withoutUrls(said), exitCode };
}

function withoutUrls(text: string): string {
  return text.replace(/\b(https?|wss?):\/\/[^\s"')]+/g, "(a URL)");
}
