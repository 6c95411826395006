import { createHmac, randomBytes } from "node:crypto";
import { assertArgument } from "ethers";
import type { TokenSlot } from "./cryptoki.ts";
import type { Pkcs11TokenOptions } from "./options.ts";

/** What one login is made with. */
export interface Credentials {
  /** Whose PIN it is, if that is known: AWS CloudHSM's crypto user. */
  readonly user: string | undefined;
  /** Undefined where the token asks for it at its own PIN pad. */
  readonly pin: string | undefined;
  /** The same for the same PIN and for no other, and not to be traced back to it. */
  readonly mark: string;
}

const MARK_KEY = randomBytes(32);

/** One signer's or store's right to log in: its PIN, asked for when it is needed. */
export class Login {
  readonly user: string | undefined;
  readonly #pin: Pkcs11TokenOptions["pin"];

  constructor(pin: Pkcs11TokenOptions["pin"], user: string | undefined) {
    this.#pin = pin;
    this.user = user;
  }

  /** Without a PIN there is no login, except with a token that has a PIN pad. */
  isNeededFor({ hasPinPad }: TokenSlot): boolean {
    return this.#pin !== undefined || hasPinPad;
  }

  /** @throws what the PIN function throws; ethers' INVALID_ARGUMENT unless it returns a string. */
  async read(): Promise<Credentials> {
    const { user } = this;
    if (this.#pin === undefined) return { user, pin: undefined, mark: "PIN pad" };
    const pin: unknown = typeof this.#pin === "function" ? await this.#pin() : this.#pin;
    assertArgument(typeof pin === "string" && pin.length > 0, "pin() must return a string", "pin", "[REDACTED]");
    return { user, pin, mark: createHmac("sha256", MARK_KEY).update(pin).digest("hex") };
  }
}

/** Whether both are of one user of the token: by their names, or, unless both are known, by their PINs. */
export function isSameUser(one: Credentials, other: Credentials): boolean {
  if (one.user !== undefined && other.user !== undefined) return one.user === other.user;
  return one.mark === other.mark;
}
