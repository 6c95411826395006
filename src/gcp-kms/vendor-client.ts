import { failureError, redactText } from "../backend/failure.ts";
import { codeIn, transportMapping } from "../backend/transport.ts";
import { isSignerError, type SignerError } from "../core/errors.ts";
import { credentialError, isCredentialError } from "./credential-errors.ts";
import { CLOUD_KMS, type RequestContext, type StatusFailure, statusError } from "./errors.ts";
import type { GcpKmsVendorClient } from "./options.ts";
import type { Message } from "./response.ts";
import type { Rpc } from "./rest.ts";

type Method = (request: object, options: object) => Promise<readonly unknown[]>;

/** A `KeyManagementServiceClient` of the caller's own: one request, without the client's retries, which last ten minutes. */
export class VendorTransport {
  readonly #client: GcpKmsVendorClient;
  #initialized: Promise<unknown> | undefined;

  constructor(client: GcpKmsVendorClient) {
    this.#client = client;
  }

  /** The client cannot be told to stop: what it returns after the signal is dropped. @throws SignerError. */
  async send(rpc: Rpc, request: Message, context: RequestContext, ms: number): Promise<Message> {
    try {
      // Without it, a client without credentials ends the process by a second, unhandled rejection.
      this.#initialized ??= this.#client.initialize();
      await this.#initialized;
      const methods = this.#client as unknown as Readonly<Record<string, Method | undefined>>;
      const [response, , raw] = (await methods[rpc]?.call(this.#client, withWrappers(request), {
        ...{ timeout: ms, retry: null, autoPaginate: false },
      })) ?? [undefined];
      // A listing's items come apart from its token.
      return (Array.isArray(response) ? raw : response) as Message;
    } catch (error) {
      throw vendorError(error, context);
    }
  }
}

/** Checksums and durations as protocol buffers have them, not as JSON does. */
function withWrappers(message: Message): Message {
  const entries = Object.entries(message).map(([name, value]): [string, unknown] => {
    if (name.endsWith("Crc32c")) return [name, { value }];
    if (name.endsWith("Duration")) return [name, { seconds: Number.parseInt(String(value), 10) }];
    const isMessage = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    return [name, isMessage ? withWrappers(value as Message) : value];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** gRPC's status codes by number. https://grpc.io/docs/guides/status-codes/ */
const STATUSES = [
  ...[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
  ],
  ...[
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
  ],
  ...["DATA_LOSS", "UNAUTHENTICATED"],
];

/** The SignerError for what a client of @google-cloud/kms threw: gRPC's status, HTTP's, or an error of its credentials. */
function vendorError(error: unknown, context: RequestContext): SignerError {
  if (isSignerError(error)) return error;
  const { code, message, details, reason, errorInfoMetadata } = (
    typeof error === "object" && error !== null ? error : { message: error }
  ) as Message;
  const text = redactText(typeof details === "string" ? details : message);
  const name = typeof code === "number" ? (STATUSES[code] ?? `HTTP ${code}`) : undefined;
  if (isCredentialError(text) || (name === undefined && codeIn(text) === undefined && /credential|auth/i.test(text))) {
    return credentialError(error, context);
  }
  if (/already been closed/.test(text)) {
    const failure = { source: CLOUD_KMS, name: "Error", text };
    const hint = "the KeyManagementServiceClient was closed by its owner; pass an open one";
    return failureError(
      failure,
      { code: "BACKEND_UNAVAILABLE", hint, retryable: false },
      { ...context, service: CLOUD_KMS },
    );
  }
  const platformCode = name === undefined || name === "UNAVAILABLE" ? codeIn(text) : undefined;
  const failure: StatusFailure = {
    ...{ source: CLOUD_KMS, name: name ?? "Error", text, platformCode },
    ...{ status: typeof code === "number" && code >= 100 ? code : undefined },
    reason: typeof reason === "string" ? reason : undefined,
    metadata: errorInfoMetadata as StatusFailure["metadata"],
    details: { reason },
  };
  const transport = platformCode === undefined ? undefined : transportMapping(failure, "Cloud KMS");
  if (transport) return failureError(failure, transport, { ...context, service: CLOUD_KMS });
  if (name === undefined) {
    const hint = "the client's response did not come from Cloud KMS, or the client failed; see the cause";
    return failureError(failure, { code: "BACKEND_RESPONSE_INVALID", hint }, { ...context, service: CLOUD_KMS });
  }
  return statusError(
    STATUSES.includes(name) ? failure : { ...failure, name: statusOfHttp(failure.status ?? 0) },
    context,
  );
}

/** google.rpc.Code of an HTTP status, for a client of @google-cloud/kms 5, whose errors over REST have HTTP's. */
function statusOfHttp(status: number): string {
  const names: Readonly<Record<number, string>> = {
    ...{
      400: "INVALID_ARGUMENT",
      401: "UNAUTHENTICATED",
      403: "PERMISSION_DENIED",
      404: "NOT_FOUND",
      409: "ALREADY_EXISTS",
    },
    ...{
      429: "RESOURCE_EXHAUSTED",
      500: "INTERNAL",
      501: "UNIMPLEMENTED",
      503: "UNAVAILABLE",
      504: "DEADLINE_EXCEEDED",
    },
  };
  return names[status] ?? `HTTP ${status}`;
}
