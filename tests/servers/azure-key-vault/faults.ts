import type { HttpReply, Outcome, Stream } from "../support/loopback-server.ts";
import type { SignatureShape } from "../support/secp256k1-key.ts";
import type { KeyVersion } from "./key-version.ts";
import { errorReply, type ServiceError } from "./replies.ts";

/** What the server does instead of, or before, its own answer. */
export type KeyVaultFault =
  | "reset"
  | "hang"
  /** 429; `retryAfter` in seconds. The service often says none. */
  | { readonly kind: "throttle"; readonly retryAfter?: number }
  | ({ readonly kind: "error" } & ServiceError)
  /** Any answer at all, for example without a body. */
  | { readonly kind: "reply"; readonly reply: HttpReply }
  /** An answer that is written by the test itself. */
  | { readonly kind: "stream"; readonly stream: Stream }
  | { readonly kind: "slow"; readonly ms: number }
  /** The signature of another key under this one's name, or under `kid`. */
  | { readonly kind: "sign"; readonly by?: KeyVersion; readonly kid?: string; readonly shape?: SignatureShape }
  /** This value in place of the signature. */
  | { readonly kind: "value"; readonly value: unknown };

/** How the answer to a signing request is to be wrong. */
export type SignFault = Extract<KeyVaultFault, { kind: "sign" | "value" }>;

/** The outcome of a fault that needs nothing of the key; undefined for the others. */
export async function faultOutcome(fault: KeyVaultFault | undefined): Promise<Outcome | undefined> {
  if (fault === undefined || fault === "reset" || fault === "hang") return fault;
  switch (fault.kind) {
    case "throttle":
      return throttleReply(fault.retryAfter);
    case "error":
      return errorReply(fault);
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

export function signFault(fault: KeyVaultFault | undefined): SignFault | undefined {
  return typeof fault === "object" && (fault.kind === "sign" || fault.kind === "value") ? fault : undefined;
}

function throttleReply(retryAfter: number | undefined): HttpReply {
  return errorReply({
    status: 429,
    code: "Throttled",
    innerCode: "VaultRequestTypeLimitReached",
    message: "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
    headers: retryAfter === undefined ? {} : { "retry-after": `${retryAfter}` },
  });
}
