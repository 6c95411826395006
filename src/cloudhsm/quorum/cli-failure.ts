/**
 * `not-started`: no such file, or not executable. `died`: it ended. `timeout`: it did not answer in time, and was ended.
 * `no-answer`: it went on without an answer, or wrote an answer without a command, and was ended.
 */
export type CliFailureKind = "not-started" | "died" | "timeout" | "no-answer";

/** Why a command of the CLI has no answer. It never leaves this folder: the key makes a SignerError of it. */
export class CliFailure extends Error {
  readonly kind: CliFailureKind;
  /** Whether the command may have reached the CLI. */
  readonly sent: boolean;
  /** The last of the CLI's stderr, or the code of the system's error. */
  readonly detail: string;

  constructor(kind: CliFailureKind, stderr: string, code?: string, sent = kind !== "not-started") {
    super(kind);
    this.kind = kind;
    this.detail = code ?? stderr;
    this.sent = sent;
  }

  /** The same, for a command that was not sent any more. */
  beforeSending(): CliFailure {
    return new CliFailure(this.kind, this.detail, undefined, false);
  }
}

const MAX_SHOWN = 300;

/** Text of the CLI for a message: one line, without control characters, its last part. */
export function shownText(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(-MAX_SHOWN);
}
