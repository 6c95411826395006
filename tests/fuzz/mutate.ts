import type { Random } from "./random.ts";

const INTERESTING = [0x00, 0x01, 0x02, 0x04, 0x06, 0x20, 0x21, 0x22, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xfe, 0xff];

interface Material {
  readonly random: Random;
  /** Another input of the corpus. */
  readonly other: Uint8Array;
  readonly words: readonly Uint8Array[];
  readonly maxLength: number;
}

type Mutation = (input: Uint8Array, material: Material) => Uint8Array;

/** Changes of bytes that know nothing of the format. */
const MUTATIONS: readonly Mutation[] = [
  (input, { random }) => changed(input, random, (byte) => byte ^ (1 << random.below(8))),
  (input, { random }) => changed(input, random, () => random.below(256)),
  (input, { random }) => changed(input, random, () => random.pick(INTERESTING)),
  (input, { random }) => changed(input, random, (byte) => byte + random.below(17) - 8),
  (input, { random }) => {
    const { start, end } = range(input, random);
    return join(input.subarray(0, start), input.subarray(end));
  },
  (input, { random }) => input.slice(0, random.below(input.length)),
  (input, { random }) => {
    const added = Uint8Array.from({ length: 1 + random.below(4) }, () => random.below(256));
    return inserted(input, random, added);
  },
  (input, { random, words }) => (words.length === 0 ? input : inserted(input, random, random.pick(words))),
  (input, { random, words }) => (words.length === 0 ? input : overwritten(input, random, random.pick(words))),
  (input, { random }) => {
    const { start, end } = range(input, random);
    return inserted(input, random, input.subarray(start, end));
  },
  (input, { random }) => {
    const { start, end } = range(input, random);
    return overwritten(input, random, input.subarray(start, end));
  },
  (input, { random, other }) => {
    const { start, end } = range(other, random);
    return inserted(input, random, other.subarray(start, end));
  },
  (input, { random, other }) => {
    const { start, end } = range(other, random);
    return overwritten(input, random, other.subarray(start, end));
  },
  (input, { random, other }) =>
    join(input.subarray(0, random.below(input.length)), other.subarray(random.below(other.length))),
];

/** The input after one to eight mutations; rarely, a part of it repeated up to the longest length: what is quadratic shows. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  const { random, maxLength } = material;
  let result = input;
  for (let count = 1 << random.below(4); count > 0; count--) result = random.pick(MUTATIONS)(result, material);
  if (random.oneIn(500)) result = repeated(result, random, maxLength);
  return result.slice(0, maxLength);
}

function repeated(input: Uint8Array, random: Random, maxLength: number): Uint8Array {
  const start = random.below(input.length);
  const part = input.subarray(start, start + 1 + random.below(Math.min(16, input.length)));
  const room = Math.max(0, maxLength - input.length);
  const count = Math.floor((room >> random.below(6)) / Math.max(1, part.length));
  const filling = new Uint8Array(count * part.length);
  for (let at = 0; at < filling.length; at += part.length) filling.set(part, at);
  return join(input.subarray(0, start), filling, input.subarray(start));
}

function changed(input: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = input.slice();
  const at = random.below(copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] as number);
  return copy;
}

function inserted(input: Uint8Array, random: Random, part: Uint8Array): Uint8Array {
  const at = random.below(input.length + 1);
  return join(input.subarray(0, at), part, input.subarray(at));
}

function overwritten(input: Uint8Array, random: Random, part: Uint8Array): Uint8Array {
  const at = random.below(input.length);
  return join(input.subarray(0, at), part, input.subarray(at + part.length));
}

/** A part of the input: most often a short one. */
function range(input: Uint8Array, random: Random): { readonly start: number; readonly end: number } {
  const start = random.below(input.length);
  const longest = random.oneIn(4) ? input.length - start : Math.min(8, input.length - start);
  return { start, end: start + (input.length === 0 ? 0 : 1 + random.below(longest)) };
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
