import type { RemoteSigner } from "../../signer/remote-signer.ts";
import type { Outcome, Walk } from "./walk.ts";

/** What the backends' examinations share. */
export interface Patient {
  readonly walk: Walk;
  readonly signer: RemoteSigner;
  /** The backend's options. They may hold a PIN. */
  readonly options: Readonly<Record<string, unknown>>;
  /** In milliseconds, for one step. */
  readonly timeout: number;
}

/** What a backend's examination hands on: that the public key can be read, and that nothing forbids to sign. */
export interface Prognosis {
  readonly publicKey: Outcome<unknown>;
  readonly permission: Outcome<unknown>;
}
