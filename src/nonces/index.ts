export { memoryNonceStore } from "./memory-store.ts";
export {
  type NonceOptions,
  NonceSigner,
  type ReconcileOptions,
  type ReplaceOptions,
  withNonces,
} from "./nonce-signer.ts";
export {
  type PostgresNonceStore,
  type PostgresNonceStoreOptions,
  type PostgresSql,
  postgresNonceStore,
} from "./postgres-store.ts";
export { type RedisEval, type RedisNonceStoreOptions, redisNonceStore } from "./redis-store.ts";
export type {
  NonceAccount,
  NonceAttempt,
  NonceChange,
  NonceCommit,
  NonceCommitResult,
  NonceQuery,
  NonceRecord,
  NonceState,
  NonceStore,
  NonceView,
} from "./store.ts";
