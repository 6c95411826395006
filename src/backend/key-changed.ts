import { SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";

/** KEY_CHANGED with both identifiers and addresses, in the message and in `info`. `current` has no address if its public key is not known. */
export function keyChanged(
  what: string,
  hint: string,
  pinned: { readonly keyId: string; readonly publicKey: Uint8Array },
  current: { readonly keyId: string; readonly address: string | undefined },
): SignerError {
  const previous = { keyId: pinned.keyId, address: addressFromPublicKey(pinned.publicKey) };
  return new SignerError(
    "KEY_CHANGED",
    `${what} ${current.keyId} (${current.address ?? "no known account"}) instead of the pinned ${previous.keyId} ` +
      `(${previous.address}). ${hint}`,
    { info: { previous, current } },
  );
}
