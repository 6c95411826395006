import type { KMSClientConfig } from "@aws-sdk/client-kms";
import { causeOf, readFailure } from "./failure.ts";

type Logger = NonNullable<KMSClientConfig["logger"]>;

/**
 * The user's logger, with what the SDK tells it made safe: errors are reduced as a SignerError's cause is, since AWS repeats the
 * session token in some, and others hold the request with its headers; grant tokens are left out of requests.
 */
export function discreetLogger(logger: Logger): Logger {
  const { trace } = logger;
  return {
    ...(trace && { trace: (...content: unknown[]) => trace.apply(logger, content.map(discreet)) }),
    debug: (...content) => logger.debug(...content.map(discreet)),
    info: (...content) => logger.info(...content.map(discreet)),
    warn: (...content) => logger.warn(...content.map(discreet)),
    error: (...content) => logger.error(...content.map(discreet)),
  };
}

function discreet(content: unknown): unknown {
  if (content instanceof Error) return causeOf(readFailure(content));
  if (typeof content !== "object" || content === null) return content;
  const { input, error, ...rest } = content as { input?: object; error?: unknown };
  return {
    ...rest,
    ...(input && { input: "GrantTokens" in input ? { ...input, GrantTokens: "[REDACTED]" } : input }),
    ...(error !== undefined && { error: causeOf(readFailure(error)) }),
  };
}
