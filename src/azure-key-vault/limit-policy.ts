import type { KeyClientOptions } from "@azure/keyvault-keys";
import { SignerError } from "../core/errors.ts";
import { MAX_RESPONSE_BYTES, ResponseTooLargeError, readBody } from "../signer/response-body.ts";

type Policy = NonNullable<KeyClientOptions["additionalPolicies"]>[number];

/**
 * Reads no more of an answer than one of Key Vault can have. It is the last before the network, so that the SDK, and every
 * other policy, gets the text that it expects.
 *
 * It asks for no compression: the answers are small, and a few compressed bytes could become many. A browser decompresses by
 * itself, and what comes of that is counted.
 */
export function limitPolicy(vaultUrl: string): Policy {
  return {
    position: "perRetry",
    policy: {
      name: "ethersHsmResponseLimitPolicy",
      async sendRequest(request, next) {
        const { streamResponseStatusCodes, enableBrowserStreams } = request;
        request.headers.set("Accept-Encoding", "identity");
        // The SDK's word for every status.
        request.streamResponseStatusCodes = new Set([Number.POSITIVE_INFINITY]);
        request.enableBrowserStreams = true;
        try {
          const { status, headers, ...answer } = await next(request);
          const stream = answer.readableStreamBody ?? answer.browserStreamBody ?? (await answer.blobBody);
          const body = await readBody(stream, headers.get("content-length"));
          // An HTTP client of the user's own may have read it by itself.
          const bodyAsText = body ? new TextDecoder().decode(body) : (answer.bodyAsText ?? null);
          return { request, status, headers, bodyAsText };
        } catch (error) {
          throw error instanceof ResponseTooLargeError ? tooLarge(vaultUrl) : error;
        } finally {
          Object.assign(request, { streamResponseStatusCodes, enableBrowserStreams });
        }
      },
    },
  };
}

function tooLarge(vaultUrl: string): SignerError {
  return new SignerError(
    "BACKEND_RESPONSE_INVALID",
    `the answer is longer than ${MAX_RESPONSE_BYTES} bytes, which none of Key Vault is, and was not read; check that ` +
      `${vaultUrl} is the vault's URL, and proxies on the way there`,
  );
}
