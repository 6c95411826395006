import type { RemoteSigner } from "../../signer/remote-signer.ts";
import type { Checks, Outcome } from "./checks.ts";

/** What the checks of each backend need. */
export interface CheckContext {
  readonly checks: Checks;
  readonly signer: RemoteSigner;
  /** The backend's options. They may contain a PIN. */
  readonly options: Readonly<Record<string, unknown>>;
  /** In milliseconds, for one step. */
  readonly timeout: number;
}

/** The result of a backend's checks: whether the public key can be read, and whether signing is permitted. */
export interface SigningChecks {
  readonly publicKey: Outcome<unknown>;
  readonly permission: Outcome<unknown>;
}
