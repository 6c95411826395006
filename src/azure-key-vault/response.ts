/** What is kept of the service's response. Its `request` would hold the bearer token. */
export interface ServiceResponse {
  readonly status: number;
  readonly requestId: string | undefined;
  /** Whether it is Key Vault's: an error of it has a code; a success is read by the SDK. */
  readonly isService: boolean;
  /** The text of a header that asks to wait, whichever of the three the SDK knows. */
  readonly retryAfter: string | undefined;
  /** The identifier of the key that responded to a request to sign. */
  readonly kid: unknown;
  readonly error: ServiceError;
}

interface ServiceError {
  readonly code: string | undefined;
  readonly innerCode: string | undefined;
  readonly message: string;
}

interface Headers {
  get(name: string): string | undefined;
}

interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bodyAsText?: string | null;
}

const RETRY_AFTER = ["retry-after-ms", "x-ms-retry-after-ms", "retry-after"];

/** Reads the raw response that the SDK passes to `onResponse`. The SDK's own error lacks it if the body is not JSON. */
export function readResponse({ status, headers, bodyAsText }: RawResponse): ServiceResponse {
  const body = parse(bodyAsText);
  const error = readError(body["error"]);
  return {
    status,
    requestId: headers.get("x-ms-request-id"),
    isService:
      status === 200 ||
      error.code !== undefined ||
      (status === 401 && /^bearer\b/i.test(headers.get("www-authenticate") ?? "")),
    retryAfter: RETRY_AFTER.map((name) => headers.get(name)).find((value) => value !== undefined),
    kid: body["kid"],
    error,
  };
}

/** How long the response asks to wait, in milliseconds, as the SDK reads it; undefined if it does not say. */
export function retryAfterOf(headers: Headers): number | undefined {
  for (const name of RETRY_AFTER) {
    const text = headers.get(name);
    if (text === undefined) continue;
    const number = Number(text);
    const ms = Number.isNaN(number) ? Date.parse(text) - Date.now() : number * (name === "retry-after" ? 1_000 : 1);
    if (Number.isFinite(ms)) return ms;
  }
  return undefined;
}

/**
 * What a refusal says that the SDK passed to no `onResponse`: that of a listing's later pages. Less than
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
