const MAX_LENGTH = 2_000;

// A JSON Web Token, and what follows the name of the scheme in a header (RFC 6750, section 2.1) where it is no word.
const TOKENS = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\bBearer [\w~+/.-]{20,}=*/g;

/**
 * What an error of the SDK says, without what it carries: its `request` holds the bearer token, its `response` the headers.
 * A fresh Error with the name, the message, the code and the HTTP status.
 *
 * @param secrets what else must not be in the message, global.
 */
export function strippedCause(error: unknown, secrets?: RegExp): Error {
  if (typeof error !== "object" || error === null) return new Error(`thrown: ${typeof error}`);
  const { name, message, code, statusCode } = error as Readonly<Record<string, unknown>>;
  const text = String(message ?? "")
    .slice(0, MAX_LENGTH)
    .replace(TOKENS, "[REDACTED]");
  const cause = new Error(secrets ? text.replace(secrets, "[REDACTED]") : text);
  if (typeof name === "string") cause.name = name;
  if (typeof code === "string" || typeof code === "number") Object.assign(cause, { code });
  if (typeof statusCode === "number") Object.assign(cause, { statusCode });
  return cause;
}
