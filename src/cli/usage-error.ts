/** What the caller of the command wrote cannot be right. Its message never shows a value that could be a secret. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws UsageError. */
export function requireUsage(condition: unknown, message: string): asserts condition {
  if (!condition) throw new UsageError(message);
}
