import type { KMSClientConfig } from "@aws-sdk/client-kms";
import { redactedCause, redactText } from "../backend/failure.ts";
import { readError } from "./errors.ts";

type Logger = NonNullable<KMSClientConfig["logger"]>;

/**
 * The caller's logger without what the SDK would show it: errors are reduced as a SignerError's cause is, since AWS repeats the
 * session token in some, and others hold the request with its headers; grant tokens are removed from requests.
 */
export function redactingLogger(logger: Logger): Logger {
  const { trace } = logger;
  return {
    ...(trace && { trace: (...content: unknown[]) => trace.apply(logger, content.map(redact)) }),
    debug: (...content) => logger.debug(...content.map(redact)),
    info: (...content) => logger.info(...content.map(redact)),
    warn: (...content) => logger.warn(...content.map(redact)),
    error: (...content) => logger.error(...content.map(redact)),
  };
}

function redact(content: unknown): unknown {
  if (typeof content === "string") return redactText(content);
  if (content instanceof Error) return redactedCause(readError(content));
  if (typeof content !== "object" || content === null) return content;
  const { input, error, ...rest } = content as { input?: object; error?: unknown };
  return {
    ...rest,
    ...(input && { input: "GrantTokens" in input ? { ...input, GrantTokens: "[REDACTED]" } : input }),
    ...(error !== undefined && { error: redactedCause(readError(error)) }),
  };
}
