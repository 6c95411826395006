import { SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { formatKeyUrl } from "./key-url.ts";
import type { KeyVersion } from "./key-version.ts";

/** Another key than the pinned one: its URL as the vault gives it, and its address where it is known. */
export interface OtherKey {
  readonly keyId: string;
  readonly address: string | undefined;
}

/** KEY_CHANGED with both URLs and addresses, in the message and in `info`. */
export function keyChanged(what: string, pinned: KeyVersion, current: OtherKey): SignerError {
  const previous = { keyId: formatKeyUrl(pinned.url), address: addressFromPublicKey(pinned.publicKey) };
  return new SignerError(
    "KEY_CHANGED",
    `${what} ${current.keyId} (${current.address ?? "no known account"}) instead of the pinned ${previous.keyId} ` +
      `(${previous.address}). To stay with the former set keyVersion to its version; for the new account construct a new signer`,
    { info: { previous, current } },
  );
}
