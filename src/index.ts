export {
  AccountDirectory,
  type AccountDirectoryOptions,
  type RefreshFailure,
  type RefreshResult,
  type SourceHealth,
} from "./accounts/account-directory.ts";
export type { Account } from "./accounts/account-source.ts";
export type { AccountChanges } from "./accounts/directory-state.ts";
export {
  type FailedKey,
  isStoredKey,
  type KeyStore,
  type ListedKey,
  type StoredKey,
  type StoreHealth,
} from "./accounts/key-store.ts";
export { signatureFromDer, signatureToDer } from "./core/der.ts";
export {
  isSignerError,
  SignerError,
  type SignerErrorCode,
  type SignerErrorContext,
  type SignerErrorOptions,
} from "./core/errors.ts";
export {
  addressFromPublicKey,
  type PublicJwk,
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "./core/public-key.ts";
export { type RawSignature, signatureFromCompact, toLowS } from "./core/signature.ts";
export { verifiedYParity } from "./core/y-parity.ts";
export { FailoverKey } from "./signer/failover-key.ts";
export type { FailoverEvent, FailoverOptions, ReplicaState } from "./signer/failover-options.ts";
export type { RemoteSignerOptions } from "./signer/remote-account.ts";
export type { CallOptions, RemoteKey, SignOptions } from "./signer/remote-key.ts";
export { RemoteSigner } from "./signer/remote-signer.ts";
export type { SigningContent } from "./signer/signing-content.ts";
