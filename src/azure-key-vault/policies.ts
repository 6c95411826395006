import type { KeyClientOptions } from "@azure/keyvault-keys";
import { MAX_RESPONSE_BYTES, ResponseTooLargeError, readBody } from "../backend/response-body.ts";
import { retry } from "../backend/retry.ts";
import { SignerError } from "../core/errors.ts";
import { onAbort } from "../signer/on-abort.ts";
import { retryWhen } from "./credential.ts";
import { KEY_VAULT, keyVaultError } from "./errors.ts";
import { readResponse, retryAfterOf } from "./response.ts";

type Policy = NonNullable<KeyClientOptions["additionalPolicies"]>[number]["policy"];
type Request = Parameters<Policy["sendRequest"]>[0];

// A retry after a timeout would make a second version: these requests wait for as long as the call does.
const CREATION = /\/keys\/[^/]+\/create$/;

/**
 * The last policy before the network, once for each attempt of the SDK:
 *
 * - An attempt ends after a third of the timeout, so that the SDK retries a request whose connection a network lost.
 * - A Retry-After beyond the deadline is THROTTLED at once: the SDK would wait for it, and so until the deadline.
 * - No more is read of a response than one of Key Vault can have. It requests no compression: a few compressed bytes could become many.
 */
export function connectionPolicy(vaultUrl: string, timeout: number): Policy {
  const begun = new WeakMap<Request, number>();
  return {
    name: "ethersHsmConnectionPolicy",
    async sendRequest(request, next) {
      const { streamResponseStatusCodes, enableBrowserStreams } = request;
      const start = begun.get(request) ?? performance.now();
      begun.set(request, start);
      request.headers.set("Accept-Encoding", "identity");
      // The SDK's word for every status.
      request.streamResponseStatusCodes = new Set([Number.POSITIVE_INFINITY]);
      request.enableBrowserStreams = true;
      try {
        return await withinAttempt(request, attemptTimeout(request, timeout), async () => {
          const { status, headers, ...response } = await next(request);
          const retryAfter = status === 429 || status === 503 ? retryAfterOf(headers) : undefined;
          if (retryAfter !== undefined && performance.now() + retryAfter > start + timeout)
            throw tooLate(vaultUrl, status, retryAfter);
          const stream = response.readableStreamBody ?? response.browserStreamBody;
          const body = await readBody(stream, headers.get("content-length"));
          // An HTTP client of the caller's may have read it already.
          const bodyAsText = body ? new TextDecoder().decode(body) : (response.bodyAsText ?? null);
          return { request, status, headers, bodyAsText };
        });
      } catch (error) {
        throw error instanceof ResponseTooLargeError ? tooLarge(vaultUrl) : error;
      } finally {
        Object.assign(request, { streamResponseStatusCodes, enableBrowserStreams });
      }
    },
  };
}

function attemptTimeout({ method, url }: Request, timeout: number): number {
  const isCreation = method === "PUT" || CREATION.test(new URL(url).pathname);
  return isCreation ? timeout : Math.ceil(timeout / 3);
}

async function withinAttempt<T>(request: Request, ms: number, attempt: () => Promise<T>): Promise<T> {
  const { abortSignal } = request;
  const ending = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    ending.abort();
  }, ms);
  const release = abortSignal && onAbort(abortSignal as AbortSignal, () => ending.abort());
  request.abortSignal = ending.signal;
  try {
    return await attempt();
  } catch (error) {
    // By the SDK's names it is one of those that it retries.
    if (isLate) throw Object.assign(new Error(`no response within ${ms} ms`), { name: "RestError", code: "ETIMEDOUT" });
    throw error;
  } finally {
    clearTimeout(timer);
    release?.();
    if (abortSignal) request.abortSignal = abortSignal;
    else delete request.abortSignal;
  }
}

function tooLate(vaultUrl: string, statusCode: number, ms: number): SignerError {
  return new SignerError(
    "THROTTLED",
    `${vaultUrl} asks to wait for longer than timeout allows (Retry-After); try again later, send fewer requests, or raise timeout`,
    { info: { source: KEY_VAULT, statusCode, retryAfter: `${Math.ceil(ms / 1_000)}` } },
  );
}

function tooLarge(vaultUrl: string): SignerError {
  return new SignerError(
    "BACKEND_RESPONSE_INVALID",
    `the response is longer than ${MAX_RESPONSE_BYTES} bytes, which no response of Key Vault is, and was not read; check that ` +
      `${vaultUrl} is the vault's URL, and proxies on the way there`,
  );
}

interface PagePolicyOptions {
  readonly vaultUrl: string;
  /** How long a page is tried for, in milliseconds. */
  readonly timeout: number;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
}

/**
 * Retries the pages of a listing that were throttled without a Retry-After. It must happen in the client's pipeline: the SDK
 * cannot continue after a page that failed, and does not say where the next one is. Nor does it pass on the signal to the later pages,
 * or their responses to `onResponse`.
 */
export function pagePolicy({ vaultUrl, timeout, closing }: PagePolicyOptions): Policy {
  return {
    name: "ethersHsmPagePolicy",
    sendRequest(request, next) {
      const isPage = request.method === "GET" && /\/keys(\/[^/]+\/versions)?\/?$/.test(new URL(request.url).pathname);
      if (!isPage) return next(request);
      request.abortSignal ??= closing;
      const attempt = async () => {
        const response = await next(request);
        if (response.status === 200 || response.status === 401) return response;
        const { error, ...rest } = readResponse(response);
        const thrown = { name: "RestError", message: error.message, statusCode: response.status };
        throw keyVaultError(thrown, { ...rest, error }, { request: "list", vaultUrl });
      };
      // Before the call ends, so that the error is the vault's.
      const endsAt = performance.now() + 0.9 * timeout;
      return retry(attempt, { signal: closing, endsAt, when: retryWhen });
    },
  };
}
