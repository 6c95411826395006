/** Where an object stands in a text: from its first brace to behind its last one. */
interface ObjectRange {
  readonly start: number;
  readonly end: number;
}

const BEFORE_OBJECT = /^(?:aws-cloudhsm\s*>\s*|Enter password:\s*)*/;
/** An answer's own objects begin behind spaces. Output with as many that do not is not an answer. */
const MAX_OPEN = 64;

/**
 * The complete objects that begin on a line of their own, perhaps behind a prompt, in the order of their ends. Whether they are
 * JSON is not seen here. What is broken off within a string never ends: JSON has no line feed there.
 *
 * One pass, however many objects are broken off: no line begins within a string, so all that are open read it alike.
 */
export function* objects(text: string): Generator<ObjectRange> {
  let open: { readonly start: number; readonly depth: number }[] = [];
  let depth = 0;
  for (const { 0: line, index } of text.matchAll(/[^\n]+/g)) {
    const first = BEFORE_OBJECT.exec(line)?.[0].length;
    let quoted = false;
    for (let at = 0; at < line.length; at++) {
      const character = line[at];
      if (quoted) {
        if (character === "\\") at++;
        else if (character === '"') quoted = false;
      } else if (character === '"') quoted = true;
      else if (character === "{") {
        if (at === first) open.push({ start: index + at, depth });
        if (open.length > MAX_OPEN) open.shift();
        depth++;
      } else if (character === "}") {
        depth--;
        const last = open.at(-1);
        if (last?.depth !== depth) continue;
        open.pop();
        yield { start: last.start, end: index + at + 1 };
      }
    }
    if (quoted) open = [];
  }
}
