// A line of the interactive mode, split into words: single quotes keep everything, double quotes and a backslash escape.

/** @typedef {Record<string, "one" | "many" | "flag">} Options */

/**
 * @param {string} line
 * @returns {string[]}
 */
export function splitWords(line) {
  const words = [];
  /** @type {string | undefined} */
  let word;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "";
    if (quote === "'" || quote === '"') {
      if (character === quote) quote = "";
      else if (character === "\\" && quote === '"') word = (word ?? "") + (line[++at] ?? "");
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (character === "\\") {
      word = (word ?? "") + (line[++at] ?? "");
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "") throw new UsageError("missing closing quote");
  if (word !== undefined) words.push(word);
  return words;
}

/** What the command-line parser refuses: it goes to stderr, without any JSON. */
export class UsageError extends Error {}

/**
 * @param {readonly string[]} words
 * @param {Options} known
 * @returns {Map<string, string[]>}
 */
export function parseOptions(words, known) {
  /** @type {Map<string, string[]>} */
  const options = new Map();
  for (let at = 0; at < words.length; ) {
    const name = words[at++] ?? "";
    const kind = name.startsWith("--") ? known[name.slice(2)] : undefined;
    if (kind === undefined) throw new UsageError(`unexpected argument '${name}' found`);
    const values = options.get(name.slice(2)) ?? [];
    options.set(name.slice(2), values);
    if (kind === "flag") continue;
    const before = values.length;
    while (at < words.length && !(words[at] ?? "").startsWith("--")) {
      values.push(words[at++] ?? "");
      if (kind === "one") break;
    }
    if (values.length === before) throw new UsageError(`a value is required for '${name}' but none was supplied`);
  }
  return options;
}

/**
 * @param {Map<string, string[]>} options
 * @param {string} name
 * @returns {string}
 */
export function required(options, name) {
  const value = options.get(name)?.[0];
  if (value !== undefined) return value;
  throw new UsageError(`the following required arguments were not provided:\n  --${name}`);
}
