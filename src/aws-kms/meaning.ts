import type { SignerErrorCode } from "../core/errors.ts";

/** What a failure means here, and what to do about it. */
export interface Meaning {
  readonly code: SignerErrorCode;
  readonly advice: string;
  /** Default: by the code. */
  readonly retryable?: boolean | undefined;
}
