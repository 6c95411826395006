export type { AuditLogOptions } from "./audit-log.ts";
export { type CheckpointSigner, ed25519Checkpoints } from "./checkpoint.ts";
export type { AuditContent } from "./content.ts";
export { type FileAudit, type FileAuditOptions, fileAudit } from "./file-audit.ts";
export {
  migratePostgresAudit,
  type PostgresAuditOptions,
  type PostgresSql,
  postgresAudit,
} from "./postgres-audit.ts";
export {
  type AuditFault,
  type AuditFile,
  type AuditLine,
  type AuditReport,
  type UnfinishedIntent,
  type VerifyAuditOptions,
  verifyAudit,
} from "./verify.ts";
