import type { HttpReply, Outcome, Stream } from "../support/loopback-server.ts";
import type { Json, SignChange } from "./operations.ts";
import { type ErrorInfo, STATUSES, StatusError, type StatusName } from "./status.ts";

/** What the server does instead of, or before, its own response. */
export type GcpKmsFault =
  | "reset"
  | "hang"
  /** 429; `retryAfter` in seconds. */
  | { readonly kind: "throttle"; readonly retryAfter?: number }
  | { readonly kind: "error"; readonly status: StatusName; readonly message?: string; readonly info?: ErrorInfo }
  /** Any response at all. REST only. */
  | { readonly kind: "reply"; readonly reply: HttpReply }
  /** A response that the test itself writes. REST only. */
  | { readonly kind: "stream"; readonly stream: Stream }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "sign"; readonly change: SignChange }
  /** Replaces fields of the right response, whatever the operation. */
  | { readonly kind: "fields"; readonly fields: Json };

/** What an operation of the server is to do otherwise. */
export interface Change {
  readonly sign: SignChange | undefined;
  readonly fields: Json;
}

/** What a fault is over REST; undefined if the operation runs. */
export async function faultOutcome(fault: GcpKmsFault | undefined): Promise<Outcome | undefined> {
  if (fault === undefined || fault === "reset" || fault === "hang") return fault;
  switch (fault.kind) {
    case "throttle":
      return statusReply(
        statusOf(fault),
        fault.retryAfter === undefined ? {} : { "retry-after": `${fault.retryAfter}` },
      );
    case "error":
      return statusReply(statusOf(fault));
    case "reply":
      return fault.reply;
    case "stream":
      return fault.stream;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, fault.ms));
      return undefined;
    default:
      return undefined;
  }
}

/** The status that a fault stands for. */
export function statusOf(fault: Extract<GcpKmsFault, { kind: "throttle" | "error" }>): StatusError {
  if (fault.kind === "error") return new StatusError(fault.status, fault.message ?? "The service says no.", fault.info);
  const info = { reason: "RATE_LIMIT_EXCEEDED", metadata: { service: "cloudkms.googleapis.com" } };
  return new StatusError("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'HSM asymmetric requests'.", info);
}

export function changeOf(fault: GcpKmsFault | undefined): Change {
  const kind = typeof fault === "object" ? fault : undefined;
  return {
    sign: kind?.kind === "sign" ? kind.change : undefined,
    fields: kind?.kind === "fields" ? kind.fields : {},
  };
}

export function statusReply(error: StatusError, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status: STATUSES[error.status].http,
    headers: { "content-type": "application/json; charset=UTF-8", ...headers },
    body: error.body,
  };
}
