import { isSignerError, type SignerError } from "../core/errors.ts";
import type { LibraryInfo, TokenInfo } from "./cryptoki.ts";
import type { KeyProtection } from "./key-protection.ts";
import type { PoolState } from "./session-pool.ts";
import type { Pkcs11Token } from "./token.ts";
import type { TokenKey } from "./token-key.ts";

/** How a key on a token stands. What could not be learnt is undefined, and `error` says why. */
export interface Pkcs11Health {
  /** Whether the key could sign now: it was found, logged in, and the token offers CKM_ECDSA. Nothing was signed. */
  readonly ready: boolean;
  /** The library; undefined if it could not be loaded or does not answer. */
  readonly library: LibraryInfo | undefined;
  /** The CK_SLOT_ID. */
  readonly slot: bigint | undefined;
  /** The token; undefined if it was not found or does not answer. */
  readonly token: TokenInfo | undefined;
  /** Whether the user is logged in; undefined where that could not be asked. */
  readonly loggedIn: boolean | undefined;
  /** The sessions that this process has with the token, and the calls that wait for one. */
  readonly sessions: PoolState | undefined;
  /** Its protection attributes and its public key, 65 bytes SEC1 uncompressed; undefined if it was not found. */
  readonly key: (KeyProtection & { readonly publicKey: Uint8Array }) | undefined;
  /** Why it is not ready. */
  readonly error: SignerError | undefined;
  /** The last failure of any call with the token, also one that was recovered from. */
  readonly lastError: SignerError | undefined;
}

/** How a signer's key stands on its preferred token. With `fallbacks` it is ready if the key is on any token. */
export interface Pkcs11SignerHealth extends Pkcs11Health {
  /** With `fallbacks`: the same of each token, in order of preference. */
  readonly replicas?: readonly Pkcs11Health[];
}

/** Asks the library, the token and the key. It signs nothing, and rejects where the signal aborts only. */
export async function askKeyHealth(
  token: Pkcs11Token,
  key: TokenKey,
  signal: AbortSignal | undefined,
): Promise<Pkcs11Health> {
  const found = await learn(() =>
    key.use("health", { signal }, async (session, found) => {
      await session.requireSame(found);
      const { publicKey, protection } = found;
      const [loggedIn, offersEcdsa] = [await session.isLoggedIn(), await session.offersEcdsa()];
      return { offersEcdsa, loggedIn, key: { publicKey: publicKey.slice(), ...protection } };
    }),
  );
  const report = await learn(() => token.report());
  const error = found.error ?? report.error;
  return {
    ready: error === undefined && found.value?.offersEcdsa === true,
    library: report.value?.library,
    slot: report.value?.slot,
    token: report.value?.token,
    loggedIn: found.value?.loggedIn,
    sessions: report.value?.sessions,
    key: found.value?.key,
    error,
    lastError: token.lastError,
  };
}

interface Learnt<T> {
  readonly value?: T;
  readonly error?: SignerError;
}

/** The result of `ask`, or its SignerError. */
async function learn<T>(ask: () => Promise<T>): Promise<Learnt<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (!isSignerError(error)) throw error;
    return { error };
  }
}
