import { assertArgument } from "ethers";
import { SignerError } from "../core/errors.ts";
import type { AuditEntry, AuditSink } from "../signer/audit-sink.ts";
import { withDeadline } from "../signer/deadline.ts";
import { type CheckpointSigner, checkpointText } from "./checkpoint.ts";
import { type AuditContent, checkContent, type StoredEntry, storeEntry } from "./content.ts";
import { DenialLimit } from "./denials.ts";
import { unfollowed } from "./folder.ts";
import { LogFile } from "./log-file.ts";

export interface FileAuditOptions {
  /** An existing folder on a local disk, for log files alone. Processes may share it: each writes a file of its own. */
  readonly folder: string;
  /**
   * What is on the disk (fsync) before the call continues: `"intent"`, what is about to be signed; `"all"`, the outcome and denials, too;
   * `"none"`, nothing: a crash of the machine may lose the last lines. Default: `"intent"`.
   */
  readonly durability?: "intent" | "all" | "none" | undefined;
  /** What is kept of what was asked to be signed. Default: `"summary"`. */
  readonly content?: AuditContent | undefined;
  /** The log's name in its checkpoints, without blanks. Default: `"ethers-hsm"`. */
  readonly name?: string | undefined;
  /** A checkpoint follows after so many entries. Default: 1,000. */
  readonly checkpointEvery?: number | undefined;
  /** Signs checkpoints, within 10 seconds: `ed25519Checkpoints()`, or a function. Without it they are not signed. */
  readonly sign?: CheckpointSigner | undefined;
  /** Gets each checkpoint, to keep it out of reach of this machine. It is not waited for, except by `close()`. */
  readonly onCheckpoint?: ((note: string) => unknown) | undefined;
  /**
   * Is told once that the log cannot be written, after which nothing more is signed; and each time that a checkpoint was not signed or
   * not taken.
   */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  /** The size in bytes at which a file is closed and the next one begun. Default: 64 MiB. */
  readonly maxFileSize?: number | undefined;
  /** So many denials a minute are written; further ones are counted. Default: 60. */
  readonly denialsPerMinute?: number | undefined;
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

const SIGNING_TIMEOUT = 10_000;

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
  const checked = check(options);
  try {
    const file = await LogFile.create(checked.folder, checked.name, await unfollowed(checked.folder));
    return new Log(checked, file);
  } catch (cause) {
    throw failure("cannot be begun", cause);
  }
}

interface Pending {
  readonly line: StoredEntry;
  resolve(): void;
  reject(error: Error): void;
}

type Checked = ReturnType<typeof check>;

class Log implements FileAudit {
  readonly #options: Checked;
  readonly #denials: DenialLimit;
  readonly #taken = new Set<Promise<void>>();
  #file: LogFile;
  #pending: Pending[] = [];
  #draining: Promise<void> | undefined;
  #sinceCheckpoint = 0;
  #failure: SignerError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Checked, file: LogFile) {
    this.#options = options;
    this.#file = file;
    this.#denials = new DenialLimit(options.denialsPerMinute);
  }

  get file(): string {
    return this.#file.name;
  }

  async append(entry: AuditEntry): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new SignerError("SIGNER_CLOSED", "the audit log was closed; open it again to sign");
    if (entry.event === "denial" && !this.#denials.pass()) return;
    await new Promise<void>((resolve, reject) => {
      this.#pending.push({ line: storeEntry(entry, this.#options.content), resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#draining;
    try {
      if (!this.#failure) {
        await this.#writeSuppressed(true);
        await this.#checkpoint();
      }
    } catch (error) {
      this.#fail(error);
      throw this.#failure;
    } finally {
      await this.#file.close();
    }
    await Promise.all(this.#taken);
  }

  async #drain(): Promise<void> {
    // One turn later: calls of the same turn share one write.
    await undefined;
    let batch: Pending[] = [];
    try {
      while (this.#pending.length > 0) {
        await this.#writeSuppressed(false);
        batch = this.#pending;
        this.#pending = [];
        const lines = batch.map(({ line }) => line);
        await this.#file.write(
          lines,
          lines.some(({ event }) => this.#isDurable(event)),
        );
        for (const { resolve } of batch) resolve();
        this.#sinceCheckpoint += batch.length;
        if (this.#file.size >= this.#options.maxFileSize) await this.#rotate();
        else if (this.#sinceCheckpoint >= this.#options.checkpointEvery) await this.#checkpoint();
      }
    } catch (error) {
      const failed = this.#fail(error);
      for (const { reject } of [...batch, ...this.#pending]) reject(failed);
      this.#pending = [];
    } finally {
      this.#draining = undefined;
    }
  }

  #isDurable(event: AuditEntry["event"]): boolean {
    const { durability } = this.#options;
    return durability === "all" || (durability === "intent" && event === "intent");
  }

  async #writeSuppressed(isEnd: boolean): Promise<void> {
    const suppressed = this.#denials.take(isEnd);
    if (suppressed) await this.#file.write([{ event: "suppressed", ...suppressed }], false);
  }

  async #rotate(): Promise<void> {
    await this.#checkpoint();
    const { name: file, last } = this.#file;
    await this.#file.close();
    this.#file = await LogFile.create(this.#options.folder, this.#options.name, [{ file, ...last }]);
  }

  /** The line holds nothing that does not follow from the lines before, apart from the signature. */
  async #checkpoint(): Promise<void> {
    const { origin, last } = this.#file;
    const note = await this.#sign(checkpointText({ origin, ...last }));
    await this.#file.write([{ event: "checkpoint", note }], true);
    this.#sinceCheckpoint = 0;
    const { onCheckpoint } = this.#options;
    if (!onCheckpoint) return;
    const taking = (async () => onCheckpoint(note))().then(
      () => {},
      (error) => this.#report(error),
    );
    this.#taken.add(taking);
    taking.finally(() => this.#taken.delete(taking));
  }

  async #sign(text: string): Promise<string> {
    const { sign } = this.#options;
    if (!sign) return `${text}\n`;
    const error = () => new Error(`a checkpoint was not signed within ${SIGNING_TIMEOUT} ms`);
    try {
      const line = await withDeadline(async () => sign(text), { deadline: { ms: SIGNING_TIMEOUT, error } });
      return `${text}\n${line}\n`;
    } catch (error) {
      // The chain holds without it, and `audit verify --key` names the checkpoint.
      this.#report(error);
      return `${text}\n`;
    }
  }

  #fail(cause: unknown): SignerError {
    this.#failure ??= failure(`${this.#file.name} cannot be written`, cause);
    this.#report(this.#failure);
    return this.#failure;
  }

  #report(error: unknown): void {
    try {
      this.#options.onFailure?.(error);
    } catch (thrown) {
      // The listener's own fault: it must neither fail a signature nor go unnoticed.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}

function failure(what: string, cause: unknown): SignerError {
  const { code = "unknown error" } = (cause ?? {}) as NodeJS.ErrnoException;
  return new SignerError(
    "AUDIT_FAILED",
    `the audit log ${what} (${code}), and nothing is signed without it. Check the folder and its disk, then start the process again`,
    { cause, info: { errorCode: code } },
  );
}

function check(options: FileAuditOptions) {
  const { folder, durability = "intent", name = "ethers-hsm", sign, onCheckpoint, onFailure } = options;
  const content = checkContent(options.content);
  const { checkpointEvery = 1_000, maxFileSize = 2 ** 26, denialsPerMinute = 60 } = options;
  assertArgument(typeof folder === "string" && folder !== "", "folder must be a path", "folder", folder);
  const isDurability = durability === "intent" || durability === "all" || durability === "none";
  assertArgument(isDurability, "durability must be intent, all or none", "durability", durability);
  assertArgument(/^[^\s+]+$/u.test(name), "name must not be empty, nor have blanks or +", "name", name);
  for (const [option, value] of Object.entries({ checkpointEvery, maxFileSize, denialsPerMinute })) {
    assertArgument(Number.isSafeInteger(value) && value >= 1, `${option} must be a positive integer`, option, value);
  }
  for (const [option, value] of Object.entries({ sign, onCheckpoint, onFailure })) {
    const isFunction = value === undefined || typeof value === "function";
    assertArgument(isFunction, `${option} must be a function`, option, typeof value);
  }
  const limits = { checkpointEvery, maxFileSize, denialsPerMinute };
  return { folder, durability, content, name, sign, onCheckpoint, onFailure, ...limits };
}
