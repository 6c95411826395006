import { assertArgument } from "ethers";
import { SignerError } from "../core/errors.ts";
import type { AuditEntry, AuditSink } from "../signer/audit-sink.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { Position } from "./chain.ts";
import { type CheckpointSigner, checkpointText } from "./checkpoint.ts";
import { type AuditContent, checkContent, type StoredEntry, storeEntry } from "./content.ts";
import { DenialLimit } from "./denials.ts";
import type { Followed } from "./folder.ts";

/** What every audit log accepts. */
export interface AuditLogOptions {
  /** What is kept of what was asked to be signed. Default: `"summary"`. */
  readonly content?: AuditContent | undefined;
  /** The log's name in its checkpoints, without blanks and `+`. Default: `"ethers-hsm"`. */
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
  /** So many denials a minute are written; further ones are counted. Default: 60. */
  readonly denialsPerMinute?: number | undefined;
}

/** Where the lines of one chain go. */
export interface LogWriter {
  readonly name: string;
  readonly origin: string;
  readonly last: Position;
  /** Whether the chain is to be continued in another file. */
  readonly isFull: boolean;
  write(lines: readonly Readonly<Record<string, unknown>>[], isDurable: boolean): Promise<void>;
  close(): Promise<void>;
}

type Next = (follows: readonly Followed[]) => Promise<LogWriter>;

const SIGNING_TIMEOUT = 10_000;

interface Pending {
  readonly line: StoredEntry;
  resolve(): void;
  reject(error: Error): void;
}

type Checked = ReturnType<typeof checkLogOptions>;

/** A log's entries on their way: shared writes, denials that are counted, checkpoints, and the end after a failure. */
export class AuditLog implements AuditSink {
  readonly #options: Checked;
  readonly #denials: DenialLimit;
  readonly #taken = new Set<Promise<void>>();
  readonly #next: Next;
  #file: LogWriter;
  #pending: Pending[] = [];
  #draining: Promise<void> | undefined;
  #sinceCheckpoint = 0;
  #failure: SignerError | undefined;
  #closing: Promise<void> | undefined;

  /** @param next opens the log's next file, which follows the last line of the one before; undefined if there is one file only. */
  constructor(options: Checked, file: LogWriter, next: Next) {
    this.#options = options;
    this.#next = next;
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
        if (this.#file.isFull) await this.#rotate();
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
    this.#file = await this.#next([{ file, ...last }]);
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
    this.#failure ??= auditFailure(`${this.#file.name} cannot be written`, cause);
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

export function auditFailure(what: string, cause: unknown): SignerError {
  const { code = "unknown error" } = (cause ?? {}) as NodeJS.ErrnoException;
  return new SignerError(
    "AUDIT_FAILED",
    `the audit log ${what} (${code}), and nothing is signed without it. Check where it is stored, then start the process again`,
    { cause, info: { errorCode: code } },
  );
}

/** @throws ethers' INVALID_ARGUMENT. */
export function checkLogOptions(
  options: AuditLogOptions & { readonly durability?: "intent" | "all" | "none" | undefined },
) {
  const { durability = "intent", name = "ethers-hsm", sign, onCheckpoint, onFailure } = options;
  const { checkpointEvery = 1_000, denialsPerMinute = 60 } = options;
  const content = checkContent(options.content);
  const isDurability = durability === "intent" || durability === "all" || durability === "none";
  assertArgument(isDurability, "durability must be intent, all or none", "durability", durability);
  assertArgument(/^[^\s+]+$/u.test(name), "name must not be empty, nor have blanks or +", "name", name);
  checkPositive({ checkpointEvery, denialsPerMinute });
  for (const [option, value] of Object.entries({ sign, onCheckpoint, onFailure })) {
    const isFunction = value === undefined || typeof value === "function";
    assertArgument(isFunction, `${option} must be a function`, option, typeof value);
  }
  return { durability, content, name, sign, onCheckpoint, onFailure, checkpointEvery, denialsPerMinute };
}

/** @throws ethers' INVALID_ARGUMENT. */
export function checkPositive(options: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(options)) {
    assertArgument(Number.isSafeInteger(value) && value >= 1, `${option} must be a positive integer`, option, value);
  }
}
