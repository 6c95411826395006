import type { KeyClientOptions } from "@azure/keyvault-keys";
import { keyVaultError } from "./errors.ts";
import { readResponse } from "./response.ts";
import { retry } from "./retry.ts";

type Policy = NonNullable<KeyClientOptions["additionalPolicies"]>[number]["policy"];

interface PagePolicyOptions {
  readonly vaultUrl: string;
  /** How long a page is tried for, in milliseconds. */
  readonly timeout: number;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
}

/**
 * Repeats the pages of a listing that were throttled without a Retry-After. It must happen in the client's pipeline: the SDK
 * cannot go on after a page that failed, and does not say where the next one is. It gives the later pages no signal either,
 * nor shows their answers to anybody.
 */
export function pagePolicy({ vaultUrl, timeout, closing }: PagePolicyOptions): Policy {
  return {
    name: "ethersHsmPagePolicy",
    sendRequest(request, next) {
      if (request.method !== "GET" || !/\/keys\/?$/.test(new URL(request.url).pathname)) return next(request);
      request.abortSignal ??= closing;
      const attempt = async () => {
        const response = await next(request);
        if (response.status === 200 || response.status === 401) return response;
        const answer = readResponse(response);
        const error = { name: "RestError", message: answer.error.message, statusCode: answer.status };
        throw keyVaultError(error, answer, { request: "list", vaultUrl });
      };
      return retry(attempt, { signal: closing, endsAt: performance.now() + timeout });
    },
  };
}
