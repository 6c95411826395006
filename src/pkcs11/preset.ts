/** What a vendor's signer or store over PKCS#11 says of itself. */
export interface Pkcs11Preset {
  /** What errors name. */
  readonly backend: string;
  /** Whose PIN it is, where that is known: one process cannot be logged in to a token as two users. */
  readonly user?: string | undefined;
}

export const GENERIC: Pkcs11Preset = { backend: "pkcs11" };
