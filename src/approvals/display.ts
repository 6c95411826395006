import { keccak256 } from "ethers";

/** A line of a request's display: what it is about, and its value, in which everything from outside was marked. */
export type Line = readonly [name: string, value: string];

/** The narrowest terminal that is expected: no row is wider, except by hexadecimal digits. */
const COLUMNS = 40;
const NAME_COLUMNS = 12;
const CONTINUATION = "  | ";
/** Longer text is cut, and told by its length and hash: it would scroll everything else away. */
const MAX_SHOWN_TEXT = 1_024;

// Letters, digits, punctuation, symbols and the space are plain, except what shows as nothing, and what is written from right to left: the
// ranges that Unicode reserves for such scripts (UAX #9, section 3.2).
const NOT_PLAIN =
  /[^\p{L}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}|[\u2800\u{1d159}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/gu;
// What looks like the quotation marks around a text would seem to end it; phonetic letters look like ordinary ones.
const IMITATION =
  /[\p{Pi}\p{Pf}\u0250-\u02ff\u1d00-\u1dbf\u201a\u201e\u2032-\u2037\u2057\u275b-\u275e\u2c60-\u2c7f\u2e42\u3003\u301d-\u301f\ua700-\ua7ff\uab30-\uab6f\u{1df00}-\u{1dfff}\u{1f676}-\u{1f678}]/gu;
/** Scripts with letters that look like those of another. */
const SIMILAR_SCRIPTS = [
  ...[
    "Latin",
    "Greek",
    "Cyrillic",
    "Armenian",
    "Cherokee",
    "Coptic",
    "Lisu",
    "Georgian",
    "Deseret",
    "Tifinagh",
    "Gothic",
  ],
  ...["Canadian_Aboriginal", "Old_Italic", "Osage", "Elbasan", "Warang_Citi", "Glagolitic", "Runic", "Vai", "Bamum"],
].map((name) => ({ name: name.replace("_", " "), letter: new RegExp(`\\p{Script=${name}}`, "u") }));

/**
 * Text from outside, in quotes and on one line: what is not plain as `\u{200b}`, several spaces as `\u{20}×12`.
 * It cannot end the quotes, or seem to, break, hide or reorder a line, or write on the terminal.
 */
export function quote(text: string): string {
  const quoted = mark(JSON.stringify(text.slice(0, MAX_SHOWN_TEXT)));
  if (text.length <= MAX_SHOWN_TEXT) return quoted;
  return `${quoted} and more: ${text.length} characters, keccak256 ${keccak256(new TextEncoder().encode(text))}`;
}

/** A name from outside in a sentence of ours: in quotes unless it is one plain word, and without spaces, so that it makes no sentence. */
export function quoteName(name: string): string {
  return /^[\w.@-]{1,64}$/.test(name) ? name : quote(name).replaceAll(" ", "\\u{20}");
}

/** The same text with what is not plain as `\u{200b}`. */
export function mark(text: string): string {
  const escaped = (character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`;
  return text
    .replace(/([ '`])\1+/g, (run, character: string) => `${escaped(character)}×${run.length}`)
    .replace(NOT_PLAIN, escaped)
    .replace(IMITATION, escaped)
    .replace(/[^\0-\x7f]/gu, (character) => (isAsciiInOtherForm(character) ? escaped(character) : character));
}

/** As `Ｖ`, `𝐯` or `①`: Unicode's compatibility forms. */
function isAsciiInOtherForm(character: string): boolean {
  return /[\0-\x7f]/.test(character.normalize("NFKC"));
}

/** The scripts of `text` whose letters look alike, if there are several. */
export function similarScripts(text: string): readonly string[] {
  const found = SIMILAR_SCRIPTS.filter(({ letter }) => letter.test(text)).map(({ name }) => name);
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

/** Never fewer than a terminal uses: beyond ASCII the width of many is ambiguous (UAX #11), and some are wide. */
function columnsOf(character: string): number {
  return (character.codePointAt(0) ?? 0) < 0x80 ? 1 : 2;
}
