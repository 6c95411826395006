import { SignerError, type SignerErrorCode } from "../../core/errors.ts";
import type { Cryptoki } from "../cryptoki.ts";

/** What can be asked of a library in another process: to be loaded, and every call. */
export type HostedMethod = Exclude<keyof Cryptoki, "isIsolated" | "end"> | "load";

export interface HostRequest {
  readonly id: number;
  readonly method: HostedMethod;
  readonly args: readonly unknown[];
}

export interface HostAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: HostedError;
}

/** A SignerError on its way from one process to another. */
export interface HostedError {
  readonly code: SignerErrorCode;
  readonly message: string;
  readonly operation: string | undefined;
  readonly retryable: boolean;
  readonly info: Readonly<Record<string, unknown>> | undefined;
  /** The library's own error: its name and its text. */
  readonly cause: string | undefined;
}

export function toHostedError({ code, message, operation, retryable, info, cause }: SignerError): HostedError {
  return { code, message, operation, retryable, info, cause: cause === undefined ? undefined : String(cause) };
}

export function fromHostedError({ code, message, cause, ...context }: HostedError): SignerError {
  return new SignerError(code, message, { ...context, cause: cause === undefined ? undefined : new Error(cause) });
}
