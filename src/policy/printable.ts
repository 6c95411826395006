const MAX_LENGTH = 200;

/** What others wrote, for messages and the audit: one line of at most 200 characters, without what a terminal or a log would obey. */
export function printable(text: string): string {
  return text.slice(0, MAX_LENGTH).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
}
