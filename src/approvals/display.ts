import { keccak256 } from "ethers";

/** A line of a request's display: what it is about, and its value, in which everything from outside was marked. */
export type Line = readonly [name: string, value: string];

/** The narrowest terminal that is expected: no row is wider, except by hexadecimal digits. */
const COLUMNS = 40;
const NAME_COLUMNS = 12;
const CONTINUATION = "  | ";
/** Longer text is cut, and told by its length and hash: it would scroll everything else away. */
const MAX_SHOWN_TEXT = 1_024;

// Letters, digits, punctuation, symbols and the space are plain, except those that show as nothing or turn the direction of writing:
// the ranges that Unicode reserves for scripts from right to left (UAX #9, section 3.2).
const NOT_PLAIN =
  /[^\p{L}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}|[\u2800\u{1d159}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/gu;
/** Scripts with letters that look like those of another. */
const SIMILAR_SCRIPTS = ["Latin", "Greek", "Cyrillic", "Armenian", "Cherokee", "Coptic", "Lisu"] as const;

/**
 * Text from outside, in quotes and on one line: what is not plain as `\u{200b}`, several spaces as `\u{20}×12`.
 * It cannot end the quotes, break, hide or reorder a line, or write on the terminal.
 */
export function quote(text: string): string {
  const quoted = mark(JSON.stringify(text.slice(0, MAX_SHOWN_TEXT)));
  if (text.length <= MAX_SHOWN_TEXT) return quoted;
  return `${quoted} and more: ${text.length} characters, keccak256 ${keccak256(new TextEncoder().encode(text))}`;
}

function mark(text: string): string {
  const escaped = (character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`;
  return text.replace(/ {2,}/g, (spaces) => `\\u{20}×${spaces.length}`).replace(NOT_PLAIN, escaped);
}

/** The scripts of `text` whose letters look alike, if there are several. */
export function similarScripts(text: string): readonly string[] {
  const found = SIMILAR_SCRIPTS.filter((script) => new RegExp(`\\p{Script=${script}}`, "u").test(text));
  return found.length > 1 ? found : [];
}

/**
 * Rows of at most 40 columns; the rows that continue a line begin with `  | `. So a terminal of any width wraps nothing but
 * hexadecimal digits, and no part of a value can stand where a line's name stands.
 */
export function render(lines: readonly Line[]): string {
  return lines.flatMap(rows).join("\n");
}

function rows([name, value]: Line): string[] {
  const found: string[] = [];
  let [row, used] = ["", 0];
  const put = (text: string, columns: number) => {
    row += text;
    used += columns;
  };
  const continueRow = () => {
    found.push(row);
    row = CONTINUATION;
    used = CONTINUATION.length;
  };
  const fill = (text: string) => {
    for (const character of text) {
      if (used + columnsOf(character) > COLUMNS) continueRow();
      put(character, columnsOf(character));
    }
  };
  fill(`${name.padEnd(NAME_COLUMNS)}  `);
  let isStart = true;
  for (const word of value.match(/ |[^ ]+/g) ?? []) {
    const columns = [...word].reduce((sum, character) => sum + columnsOf(character), 0);
    if (!isStart && used + columns > COLUMNS) continueRow();
    if (isHex(word)) put(word, columns);
    else fill(word);
    isStart = false;
  }
  return [...found, row];
}

function isHex(word: string): boolean {
  return /^"?0x[0-9a-fA-F]*"?,?$/.test(word);
}

/** Never fewer than a terminal uses: letters of Latin scripts are narrow, others may be wide. */
function columnsOf(character: string): number {
  return (character.codePointAt(0) ?? 0) < 0x300 ? 1 : 2;
}
