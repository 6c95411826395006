import type { StoreHealth } from "../accounts/key-store.ts";
import { isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { isEthersError } from "../signer/verified-key.ts";
import type { Pkcs11Session } from "./session.ts";

/** The state of a token, by one look through `read`; `signs` says whether a listing has found a key that may sign. */
export async function askHealth(
  read: (task: (session: Pkcs11Session) => Promise<boolean>) => Promise<boolean>,
  signs: () => boolean,
  signal: AbortSignal | undefined,
): Promise<StoreHealth> {
  try {
    const offersEcdsa = await read(async (session) => session.offersEcdsa());
    const canSign = offersEcdsa ? signs() || undefined : false;
    return { reachable: true, canList: true, canSign, error: undefined };
  } catch (error) {
    if (signal?.aborted || !isSignerError(error)) throw error;
    // A token that refuses the login has answered.
    const refused = isSignerError(error, "ACCESS_DENIED");
    const permitted = refused ? false : undefined;
    return { reachable: refused, canList: permitted, canSign: permitted, error };
  }
}

/** What a store throws: a SignerError with its context; an abort's reason and ethers' errors as they are. */
export function toStoreError(error: unknown, context: SignerErrorContext, signal: AbortSignal | undefined): unknown {
  if (isSignerError(error)) return error.withContext(context);
  if ((signal?.aborted && error === signal.reason) || isEthersError(error)) return error;
  const message =
    "the store failed with an error that is not the token's, for example of the pin function; see the cause";
  return new SignerError("BACKEND_UNAVAILABLE", message, { ...context, retryable: false, cause: error });
}
