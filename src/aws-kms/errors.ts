import { SignerError } from "../core/errors.ts";
import { type Asked, causeOf, readFailure } from "./failure.ts";
import { meaningOf } from "./meanings.ts";

/**
 * The SignerError for what the SDK threw. AWS's own text is in the message, the identity included where AWS names it; the
 * cause has the name, the text, the request's id, the HTTP status and the number of attempts, and nothing else.
 */
export function kmsError(error: unknown, asked: Asked): SignerError {
  const failure = readFailure(error);
  const { code, advice, retryable } = meaningOf(failure, asked);
  const quoted = failure.text === "" ? "" : ` (${failure.text})`;
  return new SignerError(code, `${asked.operation} failed with ${failure.name}: ${advice}${quoted}`, {
    operation: asked.operation,
    retryable,
    requestId: failure.requestId,
    info: { exception: failure.name },
    cause: causeOf(failure),
  });
}
