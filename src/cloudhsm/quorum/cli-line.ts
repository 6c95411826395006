import { assertArgument } from "ethers";

// What stands for itself in a shell, in clap and in a splitter at spaces.
const BARE = /^[A-Za-z0-9_./:@%+=,][A-Za-z0-9_./:@%+=,-]*$/;
// Between double quotes, as AWS writes them in its examples, everything is literal but these: they end the quotes, escape, or
// would be expanded; and no control, format or line character, above all no line feed, which would begin another command.
const UNQUOTABLE = /["\\$`\p{C}\p{Zl}\p{Zp}]/u;

/** Whether {@link cliValue} can write it. */
export function isQuotable(value: string): boolean {
  return value.length > 0 && !UNQUOTABLE.test(value);
}

/**
 * A value on a line of the CLI's interactive mode: bare, or between double quotes.
 *
 * @throws ethers' INVALID_ARGUMENT for a value that could mean anything else than itself.
 */
export function cliValue(value: string, name: string): string {
  assertArgument(
    isQuotable(value),
    `${name} must be a string without double quotes, backslashes, dollar signs, backticks, line breaks and control characters: it goes to the CLI's command line`,
    name,
    "[not shown]",
  );
  return BARE.test(value) ? value : `"${value}"`;
}
