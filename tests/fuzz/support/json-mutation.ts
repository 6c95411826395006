import type { Random } from "../random.ts";

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.1,
  2 ** 53,
  1e300,
  "",
  "0",
  "0x",
  "0x00",
  "-1",
  "__proto__",
  "constructor",
  "toString",
  "\u0000",
  "\u202e",
  "\ufeff",
  [],
  {},
  [[]],
];
const NAMES = ["__proto__", "constructor", "toString", "length", "hasOwnProperty", "valueOf", "", "0"];

/** Where a value stands: in a list by its number, in an object by its name. */
interface Place {
  readonly holder: Record<string, unknown> | unknown[];
  readonly at: string;
}

/**
 * JSON with some of its values or names changed, and perhaps put right again by `mend`, so that the change is not refused for
 * what it breaks elsewhere. Undefined where the input is not JSON.
 */
export function mutateJson(
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
  mend?: (value: unknown) => void,
): Uint8Array | undefined {
  const root = { value: parse(input) };
  if (root.value === undefined) return undefined;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const all = places(root);
    if (all.length > 0) change(random.pick(all), random, other);
  }
  if (mend && !random.oneIn(4)) mend(root.value);
  return new TextEncoder().encode(JSON.stringify(root.value) ?? "");
}

function change({ holder, at }: Place, random: Random, other: Uint8Array): void {
  const old = Reflect.get(holder, at) as unknown;
  switch (random.below(8)) {
    case 0:
      set(holder, at, anyValue(random));
      break;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(at), 1);
      else delete holder[at];
      break;
    case 2: {
      const theirs = parse(other);
      if (theirs === undefined) break;
      const place = random.pick(places({ value: theirs }));
      set(holder, at, Reflect.get(place.holder, place.at));
      break;
    }
    case 3:
      if (Array.isArray(holder)) holder.push(structuredClone(old));
      else set(holder, random.oneIn(2) ? random.pick(NAMES) : `${at}${random.below(10)}`, structuredClone(old));
      break;
    case 4:
      set(holder, at, random.oneIn(2) ? [old] : { [at]: old });
      break;
    case 5:
      if (typeof old === "object" && old !== null && !Array.isArray(old)) {
        set(old, random.pick(NAMES), anyValue(random));
      } else set(holder, at, anyValue(random));
      break;
    default:
      set(holder, at, typeof old === "string" ? changedText(old, random) : varied(old, random));
  }
}

function changedText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + random.below(4));
    case 1:
      return (
        text.slice(0, at) +
        String.fromCodePoint(random.oneIn(2) ? 32 + random.below(95) : random.below(0xd800)) +
        text.slice(at)
      );
    case 2:
      return text.slice(0, at) + String.fromCharCode(48 + random.below(10)) + text.slice(at + 1);
    case 3:
      return text + text.slice(at);
    case 4:
      return random.oneIn(2) ? text.toUpperCase() : text.toLowerCase();
    default:
      return text.slice(0, at) + text.slice(at, at + 8).repeat(1 + random.below(64)) + text.slice(at);
  }
}

function varied(value: unknown, random: Random): unknown {
  if (typeof value === "number") return random.oneIn(2) ? value + random.below(5) - 2 : value * random.below(1_000_000);
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value) && value.length > 0) {
    const copy = [...value];
    for (let count = random.below(64); count > 0; count--) copy.push(structuredClone(random.pick(value)));
    return copy;
  }
  return anyValue(random);
}

/** A copy: what is put into an input may be changed later. */
function anyValue(random: Random): unknown {
  return structuredClone(random.pick(VALUES));
}

/** Also of the name `__proto__`, as JSON.parse does it. */
function set(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

function places(holder: object): Place[] {
  const found: Place[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    for (const at of Object.keys(value)) {
      found.push({ holder: value as Place["holder"], at });
      visit(Reflect.get(value, at));
    }
  };
  visit(holder);
  return found;
}

function parse(input: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(input));
  } catch {
    return undefined;
  }
}
