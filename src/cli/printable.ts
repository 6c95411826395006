const MAX_NAME = 64;

/**
 * Text on one line that cannot steer a terminal: control, format, unassigned and private-use characters and line separators as
 * `\u001b`. Inside a string of JSON that is JSON's own escape.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeUnits);
}

/** A name that a key or a token has, as one column of a line: in quotes unless it is short ASCII without repeated spaces. */
export function nameColumn(name: string): string {
  const cut = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
  if (/^[!-~]+(?: [!-~]+)*$/.test(cut)) return cut;
  // Spaces and letters that look like spaces could move what follows to another line.
  return JSON.stringify(cut).replace(/(?<= ) |[^\P{Z} ]|[\u115f\u1160\u2800\u3164\uffa0]/gu, escapeUnits);
}

function escapeUnits(characters: string): string {
  return characters
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
