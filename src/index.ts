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
  type NewKeyOptions,
  type StoredKey,
  type StoreHealth,
} from "./accounts/key-store.ts";
export {
  isSignerError,
  SignerError,
  type SignerErrorCode,
  type SignerErrorContext,
  type SignerErrorInfo,
  type SignerErrorOptions,
} from "./core/errors.ts";
export type { RawSignature } from "./core/signature.ts";
export type { Verifier } from "./core/verify.ts";
export type {
  AuditDenial,
  AuditEntry,
  AuditEntryBase,
  AuditIntent,
  AuditOutcome,
  AuditPolicy,
  AuditRequestBase,
  AuditSink,
} from "./signer/audit-sink.ts";
export type {
  AttestationResult,
  AttestationStep,
  AttestationVerifier,
  CustodyFinding,
  CustodyLevel,
  CustodyProperty,
  CustodyReport,
  CustodyRequirement,
  KeyAttestation,
  KeyCustody,
} from "./signer/custody.ts";
export {
  type FailoverEvent,
  type FailoverHealth,
  FailoverKey,
  type FailoverOptions,
  type ReplicaState,
} from "./signer/failover-key.ts";
export type { SigningPayload } from "./signer/payload.ts";
export type { CallOptions, KeyHealth, RemoteKey, SignOptions } from "./signer/remote-key.ts";
export { RemoteSigner } from "./signer/remote-signer.ts";
export type {
  AuthorizationSignRequest,
  DigestSignRequest,
  MessageSignRequest,
  SignRequest,
  SignRequestBase,
  TransactionSignRequest,
  TypedDataSignRequest,
  TypedDataValue,
} from "./signer/sign-request.ts";
export type { PolicyDecision, SigningPolicy, SigningResult } from "./signer/signing-policy.ts";
export type { RequestedDelegation, TransactionFields } from "./signer/transaction-fields.ts";
export type { CustodyOptions, Identity, RemoteSignerOptions } from "./signer/verified-key.ts";
export type {
  CallAttempt,
  CallEvent,
  CallObserver,
  CallOperation,
  SessionsInUse,
} from "./telemetry/call-event.ts";
