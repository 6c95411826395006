/** What was asked of KMS. */
export interface Asked {
  /** `Sign` or `GetPublicKey`: with `kms:` in front it is the permission's name. */
  readonly operation: string;
  /** The key's name in the request. */
  readonly keyId: string | undefined;
}

/** What is known of a failed request: facts only, and nothing that could hold a token. */
export interface Failure {
  /** AWS's name of the exception, or the SDK's or the platform's name of the error. */
  readonly name: string;
  /** The first line of its message, and no header of the request. */
  readonly text: string;
  /** Node's code of a failed connection, for example ECONNREFUSED. */
  readonly code: string | undefined;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** How often the SDK tried. */
  readonly attempts: number | undefined;
}

const MAX_TEXT = 500;

// To the SDK, Node's errors are none where it runs in a realm of its own (a vm context, a test runner's sandbox): of those
// it keeps the text alone.
const WRAPPED = /^AWS SDK error wrapper for (?:(?<name>\w+): )?(?<text>.*)$/s;

export function readFailure(error: unknown): Failure {
  const thrown = (error ?? {}) as Readonly<Record<string, unknown>>;
  const { httpStatusCode, requestId, attempts } = (thrown["$metadata"] ?? {}) as Readonly<Record<string, unknown>>;
  const wrapped = WRAPPED.exec(String(thrown["message"]))?.groups;
  const text = plainText(wrapped?.["text"] ?? thrown["message"]);
  const name = wrapped?.["name"] ?? thrown["name"];
  const kind = typeof name === "string" && name !== "" ? name : "Error";
  return {
    name: kind,
    text: kind === "SyntaxError" ? "the answer is no JSON" : text,
    code: typeof thrown["code"] === "string" ? thrown["code"] : codeIn(text),
    status: typeof httpStatusCode === "number" ? httpStatusCode : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
    attempts: typeof attempts === "number" ? attempts : undefined,
  };
}

function codeIn(text: string): string | undefined {
  return text === "socket hang up" || text === "aborted" ? "ECONNRESET" : /\bE[A-Z_]{4,}\b/.exec(text)?.[0];
}

/**
 * AWS repeats the request's headers when it refuses a signature: the canonical string, session token included, in the lines
 * after the first, and the Authorization header at the end of the first.
 */
function plainText(message: unknown): string {
  const [line = ""] = typeof message === "string" ? message.split("\n", 1) : [];
  return line
    .replace(/\b(authorization|x-amz-security-token)\s*[=:].*$/i, "$1 …")
    .slice(0, MAX_TEXT)
    .trim();
}

/** An error to be a SignerError's cause: the SDK's own holds the response, and through it the request with its headers. */
export function causeOf({ name, text, status, requestId, attempts }: Failure): Error {
  const cause = new Error(text);
  Object.defineProperty(cause, "name", { value: name, configurable: true, writable: true });
  return Object.assign(cause, { $metadata: { httpStatusCode: status, requestId, attempts } });
}
