const MAX_DEPTH = 64;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:]/g;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** What JSON.parse forgives in `json`, which it has accepted; undefined where there is nothing. */
export function duplicateOrInexact(json: string): string | undefined {
  const open: (Set<string> | null)[] = [];
  let text: string | undefined;
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      if (open.length === MAX_DEPTH) return `has more than ${MAX_DEPTH} levels`;
      open.push(token === "{" ? new Set() : null);
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      // Only a member's name stands before a colon.
      const name = JSON.parse(text ?? '""') as string;
      const names = open.at(-1);
      if (name === "__proto__") return "has a member __proto__";
      if (names?.has(name)) return `has ${JSON.stringify(name.slice(0, 64))} twice in one object`;
      names?.add(name);
    } else if (token.startsWith('"')) {
      text = token;
    } else if (!isExact(token)) {
      return "has a number that JavaScript would round";
    }
  }
  return undefined;
}

function isExact(number: string): boolean {
  return decimal(number) === decimal(`${Number(number)}`);
}

/** One notation for all of the same value: digits without zeros around them, and the exponent of their end. */
function decimal(number: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = DECIMAL.exec(number) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length - (digits.length - significant.length))}`;
}
