/** The codes of the command's own failures. Other failures keep the codes of SignerError or of ethers. */
export type CommandErrorCode =
  /** The command line or a file cannot be right. */
  | "USAGE"
  /** A token needs a PIN, and none was given. */
  | "ACCESS_DENIED"
  /** The node cannot be reached, or did not respond in time. */
  | "NODE_UNREACHABLE"
  /** The node's response cannot be right. */
  | "NODE_RESPONSE_INVALID"
  /** The chain has no address for a name. */
  | "NAME_NOT_FOUND"
  /** The node refused the signed transaction. */
  | "BROADCAST_REJECTED"
  /** The node did not respond to the signed transaction, and may have it. */
  | "BROADCAST_UNKNOWN"
  /** The transaction was sent, and no block has it yet. */
  | "NOT_MINED"
  /** A question was not answered with yes, or there was no terminal to ask at. */
  | "DECLINED"
  /** The transaction can cost more than `--max-fee`. */
  | "FEE_TOO_HIGH"
  /** A step of the doctor found something that does not work. */
  | "CHECK_FAILED";

/** A failure of the command itself. Its message never shows a value that could be a secret. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: CommandErrorCode;
  /** What happened, without what to do. */
  readonly reason: string;
  /** The hash of the transaction that a node may have. */
  readonly hash: string | undefined;

  /** @param hint what to do; part of the message. */
  constructor(code: CommandErrorCode, reason: string, hint?: string, hash?: string) {
    super(hint === undefined ? reason : `${reason}: ${hint}`);
    this.code = code;
    this.reason = reason;
    this.hash = hash;
  }
}

/** @throws CommandError USAGE. */
export function requireUsage(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CommandError("USAGE", message);
}
