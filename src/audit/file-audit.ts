import { assertArgument } from "ethers";
import type { AuditEntry, AuditSink } from "../signer/audit-sink.ts";
import { AuditLog, type AuditLogOptions, auditFailure, checkLogOptions, checkPositive } from "./audit-log.ts";
import { type Followed, unfollowed } from "./folder.ts";
import { LogFile } from "./log-file.ts";

/** Where the files are, how they are written, and what every audit log accepts. */
export interface FileAuditOptions extends AuditLogOptions {
  /** An existing folder on a local disk, for log files alone. Processes may share it: each writes a file of its own. */
  readonly folder: string;
  /**
   * What is on the disk (fsync) before the call continues: `"intent"`, what is about to be signed; `"all"`, the outcome and denials, too;
   * `"none"`, nothing: a crash of the machine may lose the last lines. Default: `"intent"`.
   */
  readonly durability?: "intent" | "all" | "none" | undefined;
  /** The size in bytes at which a file is closed and the next one begun. Default: 64 MiB. */
  readonly maxFileSize?: number | undefined;
}

/** An {@link AuditSink} in files. */
export interface FileAudit extends AuditSink {
  /** The name of the file that is written now. */
  readonly file: string;
  /**
   * Appends an entry. Entries of parallel calls share one write and one fsync.
   *
   * @throws SignerError AUDIT_FAILED if the log cannot be written, or could not be written earlier; SIGNER_CLOSED after `close()`.
   */
  append(entry: AuditEntry): Promise<void>;
  /** Writes what is left and a last checkpoint, and waits for `onCheckpoint`. Idempotent; later entries are refused. */
  close(): Promise<void>;
}

/**
 * An audit log in files of JSON Lines: one file per process and start, each line with the hash of the line before. What is about to be
 * signed is on the disk before the key is asked. If a write or an fsync fails, nothing is signed any more by signers with this log, until
 * the process starts again: after a failed fsync the kernel may report success without the data.
 *
 * It is evidence against later changes, not against code in this process. `ethers-hsm audit verify` checks it.
 *
 * @throws ethers' INVALID_ARGUMENT; SignerError AUDIT_FAILED if the folder cannot be read or written.
 */
export async function fileAudit(options: FileAuditOptions): Promise<FileAudit> {
  const { folder, maxFileSize = 2 ** 26 } = options;
  const checked = checkLogOptions(options);
  assertArgument(typeof folder === "string" && folder !== "", "folder must be a path", "folder", folder);
  checkPositive({ maxFileSize });
  const next = (follows: readonly Followed[]) => LogFile.create(folder, checked.name, follows, maxFileSize);
  try {
    return new AuditLog(checked, await next(await unfollowed(folder)), next);
  } catch (cause) {
    throw auditFailure("cannot be begun", cause);
  }
}
