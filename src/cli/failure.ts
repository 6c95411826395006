import { isSignerError } from "../core/errors.ts";
import { exitCodeOf } from "./exit-codes.ts";

/** What is told of a failure, to people and programs. */
export interface FailureReport {
  readonly code: string;
  readonly message: string;
  readonly backend?: string | undefined;
  readonly keyId?: string | undefined;
  readonly operation?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly requestId?: string | undefined;
  readonly exitCode: number;
}

/** Neither values nor URLs of ethers' errors are told: both may hold a secret, an RPC URL the key of its service. */
export function reportOf(error: unknown): FailureReport {
  const exitCode = exitCodeOf(error);
  if (isSignerError(error)) {
    const { code, message, backend, keyId, operation, retryable, requestId } = error;
    return { code, message, backend, keyId, operation, retryable, requestId, exitCode };
  }
  const { name, message, shortMessage, code, info } = error as Readonly<Record<string, unknown>>;
  const text = typeof shortMessage === "string" ? shortMessage : String(message);
  const byNode = (info as { readonly error?: { readonly message?: unknown } } | undefined)?.error?.message;
  const said = typeof byNode === "string" && !text.includes(byNode) ? `${text} (the node says: ${byNode})` : text;
  return { code: typeof code === "string" ? code : String(name), message: withoutUrls(said), exitCode };
}

function withoutUrls(text: string): string {
  return text.replace(/\b(https?|wss?):\/\/[^\s"')]+/g, "(a URL)");
}
