/** What is kept of the service's answer. Its `request` would hold the bearer token. */
export interface ServiceResponse {
  readonly status: number;
  readonly requestId: string | undefined;
  /** The text of a header that asks to wait, whichever of the three the SDK knows. */
  readonly retryAfter: string | undefined;
  /** The identifier of the key that answered a request to sign. */
  readonly kid: unknown;
  readonly error: ServiceError;
}

interface ServiceError {
  readonly code: string | undefined;
  readonly innerCode: string | undefined;
  readonly message: string;
}

interface RawResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
  readonly bodyAsText?: string | null;
}

const RETRY_AFTER = ["retry-after-ms", "x-ms-retry-after-ms", "retry-after"];

/** Reads the raw answer that the SDK shows to `onResponse`. The SDK's own error lacks it where the body is no JSON. */
export function readResponse({ status, headers, bodyAsText }: RawResponse): ServiceResponse {
  const body = parse(bodyAsText);
  return {
    status,
    requestId: headers.get("x-ms-request-id"),
    retryAfter: RETRY_AFTER.map((name) => headers.get(name)).find((value) => value !== undefined),
    kid: body["kid"],
    error: readError(body["error"]),
  };
}

/**
 * What a refusal says that the SDK showed to no `onResponse`: that of a listing's later pages. Less than
 * {@link readResponse} reads: the inner code is not kept there.
 */
export function refusalOf(error: unknown): ServiceResponse | undefined {
  const { name, code, response } = record(error);
  const { status, headers } = record(response) as Partial<RawResponse>;
  if (name !== "RestError" || status === undefined || headers === undefined) return undefined;
  return readResponse({ status, headers, bodyAsText: JSON.stringify({ error: { code } }) });
}

function readError(value: unknown): ServiceError {
  const { code, message, innererror } = record(value);
  return { code: text(code), innerCode: text(record(innererror)["code"]), message: text(message) ?? "" };
}

function parse(body: string | null | undefined): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(body ?? ""));
  } catch {
    return {};
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
