import type { GetKeyOptions } from "@azure/keyvault-keys";
import type { SignerErrorContext } from "../core/errors.ts";
import { keyVaultError } from "./errors.ts";
import type { RequestKind } from "./permissions.ts";
import { readResponse, refusalOf, type ServiceResponse } from "./response.ts";
import { retry } from "./retry.ts";

/** What the requests of one call share. */
export interface Call {
  readonly signal: AbortSignal;
  /** The time by `performance.now()` after which nobody waits for an answer. */
  readonly endsAt: number;
  readonly vaultUrl: string;
  readonly context: SignerErrorContext;
}

export interface Answer<T> {
  readonly value: T;
  /** The key that the answer names, untrusted. */
  readonly kid: unknown;
}

export type SdkOptions = Pick<GetKeyOptions, "abortSignal" | "onResponse">;

/** One request through the SDK, with its retries, and with ours where it has none. */
export function send<T>(
  kind: RequestKind,
  call: Call,
  request: (options: SdkOptions) => Promise<T>,
): Promise<Answer<T>> {
  return retry(() => sendOnce(kind, call, request), call);
}

/** One request with the SDK's retries alone. Whatever it throws becomes a SignerError that holds no token. */
export async function sendOnce<T>(
  kind: RequestKind,
  { signal, vaultUrl, context }: Call,
  request: (options: SdkOptions) => Promise<T>,
): Promise<Answer<T>> {
  let response: ServiceResponse | undefined;
  try {
    const onResponse: SdkOptions["onResponse"] = (raw) => {
      response = readResponse(raw);
    };
    const value = await request({ abortSignal: signal, onResponse });
    return { value, kid: response?.kid };
  } catch (error) {
    const refusal = response ?? (kind === "list" ? refusalOf(error) : undefined);
    throw keyVaultError(error, refusal, { ...context, request: kind, vaultUrl });
  }
}
