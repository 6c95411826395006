import type { SignerErrorCode } from "../core/errors.ts";

/** What a failure means: to the code, and to the person who reads the message. */
export interface Meaning {
  readonly code: SignerErrorCode;
  /** What the vendor calls it. */
  readonly name: string;
  /** What to do. */
  readonly advice: string;
  /** Where the code alone does not say. */
  readonly retryable?: boolean | undefined;
}
