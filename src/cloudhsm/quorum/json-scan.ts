const MAX_DEPTH = 64;
/** No double needs more digits, also where all of its zeros are written out: the smallest one has 326. */
const MAX_NUMBER = 1_000;
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
  if (number.length > MAX_NUMBER) return false;
  const again = `${Number(number)}`;
  return number === again || decimal(number) === decimal(again);
}

/** One notation for all of the same value: digits without zeros around them, and the exponent of their end. */
function decimal(number: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = DECIMAL.exec(number) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = withoutZerosBehind(digits);
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(exponent) - (fraction.length - (digits.length - significant.length))}`;
}

// A regular expression would look at each row of zeros within the digits as often as it has zeros.
function withoutZerosBehind(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
