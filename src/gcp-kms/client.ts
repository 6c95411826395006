import type { Call } from "../backend/calls.ts";
import { retry } from "../backend/retry.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { nameWaiting, timeoutError, withDeadline } from "../signer/deadline.ts";
import { CREDENTIAL_SOURCE } from "./credential-errors.ts";
import { CLOUD_KMS, isCredentialSource } from "./errors.ts";
import type { CheckedClientOptions } from "./options.ts";
import type { Message } from "./response.ts";
import { RestTransport, type Rpc } from "./rest.ts";
import { VendorTransport } from "./vendor-client.ts";

// A second one of these would make a second key, or fail on the first's.
const NOT_REPEATABLE: ReadonlySet<Rpc> = new Set(["createCryptoKey", "createImportJob", "importCryptoKeyVersion"]);

const MAX_RETRIES = 5;
/** One lost connection must not take the time of all attempts. */
const ATTEMPTS_PER_TIMEOUT = 3;

/**
 * Requests to Cloud KMS, by REST or the caller's client. Throttling, outages, lost connections and damaged messages are retried, up to five
 * times within the call's deadline; a request that makes something, only if it was throttled.
 */
export class GcpKmsClient {
  readonly #options: CheckedClientOptions;
  readonly #rest: RestTransport;
  readonly #vendor: VendorTransport | undefined;

  constructor(options: CheckedClientOptions) {
    this.#options = options;
    this.#rest = new RestTransport(options);
    this.#vendor = options.client && new VendorTransport(options.client);
  }

  /**
   * One request, and what `decode` makes of its response.
   *
   * @throws SignerError; the reason of the call's signal.
   */
  async send<T>(rpc: Rpc, request: Message, call: Call, decode: (message: Message) => T): Promise<T> {
    let retries = 0;
    return retry(
      async () => {
        const message = await this.#attempt(rpc, request, call).catch((error: unknown) => {
          // Cloud KMS names no requests.
          call.onAttempt?.({ isLost: isSignerError(error) && error.info?.["statusCode"] === undefined });
          throw error;
        });
        call.onAttempt?.({ isLost: false });
        if (typeof message === "object" && message !== null) return decode(message);
        throw invalidResponse(`${rpc}'s response is not a message`);
      },
      {
        ...{ signal: call.signal, endsAt: call.endsAt },
        when: (error) => (retries++ < MAX_RETRIES ? delayBefore(rpc, error) : false),
      },
    );
  }

  #attempt(rpc: Rpc, request: Message, call: Call): Promise<Message> {
    const { timeout } = this.#options;
    const resource = String(request["name"] ?? request["parent"] ?? request["resource"]);
    const context = { ...call.context, request: rpc, resource };
    const ms = NOT_REPEATABLE.has(rpc) ? timeout : Math.ceil(timeout / ATTEMPTS_PER_TIMEOUT);
    const error = (waitedFor: string | undefined) => {
      const { info, message } = timeoutError(`${rpc}: Cloud KMS`, waitedFor, ms, call.context);
      return new SignerError("BACKEND_TIMEOUT", message, { ...call.context, info: info ?? { source: CLOUD_KMS } });
    };
    const send = (signal: AbortSignal) => {
      if (this.#vendor) return this.#vendor.send(rpc, request, context, ms);
      let isAuthorized = false;
      const waitedFor = () => (isAuthorized ? undefined : CREDENTIAL_SOURCE);
      call.nameWaiting(waitedFor);
      nameWaiting(signal, waitedFor);
      return this.#rest.send(rpc, request, context, signal, () => {
        isAuthorized = true;
      });
    };
    return withDeadline(send, { signal: call.signal, deadline: { ms, error } });
  }
}

function delayBefore(rpc: Rpc, error: unknown): "now" | "backoff" | number | false {
  if (!isSignerError(error) || !error.retryable) return false;
  if (NOT_REPEATABLE.has(rpc) && error.code !== "THROTTLED") return false;
  if (error.code === "BACKEND_RESPONSE_INVALID") return "now";
  // Google's library has retried already.
  if (error.code !== "BACKEND_TIMEOUT" && isCredentialSource(error)) return false;
  const seconds = error.info?.["retryAfter"];
  return typeof seconds === "number" ? seconds * 1_000 : "backoff";
}
