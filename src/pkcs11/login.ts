import { assertArgument } from "ethers";
import type { SignerError } from "../core/errors.ts";
import type { Pkcs11TokenOptions } from "./options.ts";

/** One signer's or store's right to log in: its PIN, asked for when it is needed, and whether a token has refused it. */
export class Login {
  /** Who the PIN belongs to, where that is known: AWS CloudHSM's crypto user. */
  readonly user: string | undefined;
  readonly #pin: Pkcs11TokenOptions["pin"];
  #refused: SignerError | undefined;

  constructor(pin: Pkcs11TokenOptions["pin"], user: string | undefined) {
    this.#pin = pin;
    this.user = user;
  }

  /** Whether there is a PIN. There are tokens that need none. */
  get isNeeded(): boolean {
    return this.#pin !== undefined;
  }

  /** The PIN. @throws SignerError ACCESS_DENIED where a token has refused it: tokens lock after a few wrong ones. */
  async pin(): Promise<string> {
    this.requireNotRefused();
    const given: unknown = typeof this.#pin === "function" ? await this.#pin() : this.#pin;
    assertArgument(typeof given === "string" && given.length > 0, "pin() must give text", "pin", "[REDACTED]");
    return given;
  }

  /** Remembers that a token has refused the PIN. It is never tried again. */
  refuse(error: SignerError): void {
    this.#refused = error;
  }

  requireNotRefused(): void {
    if (this.#refused) throw this.#refused;
  }
}
