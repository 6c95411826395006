import type { RawSignature } from "../../../src/core/signature.ts";
import type { Random } from "../random.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const LIMITS = [
  0n,
  1n,
  127n,
  128n,
  255n,
  256n,
  1n << 255n,
  ORDER >> 1n,
  ORDER - 1n,
  ORDER,
  ORDER + 1n,
  (1n << 256n) - 1n,
];

/** How a signature was changed, and the bytes that came of it. */
export interface Mutated {
  readonly kind: string;
  readonly der: Uint8Array;
}

type Make = (signature: RawSignature, random: Random) => readonly number[];

/** Other encodings of the same numbers, all of which DER forbids: some of BER, some of no standard. */
export const ENCODINGS: Readonly<Record<string, Make>> = {
  "a zero byte before a number": ({ r, s }, random) => {
    const zeros = Array<number>(1 + random.below(3)).fill(0);
    const [first, second] = [content(r), content(s)];
    return sequence(
      random.oneIn(2)
        ? [...integer([...zeros, ...first]), ...integer(second)]
        : [...integer(first), ...integer([...zeros, ...second])],
    );
  },
  "a long-form length": ({ r, s }, random) => {
    const forms = [short, long81, long82];
    const [a, b] = [random.below(3), random.below(3)];
    const c = a === 0 && b === 0 ? 1 + random.below(2) : random.below(3);
    const inner = [...element(0x02, content(r), forms[a]), ...element(0x02, content(s), forms[b])];
    return element(0x30, inner, forms[c]);
  },
  "an indefinite length": ({ r, s }) => [0x30, 0x80, ...integer(content(r)), ...integer(content(s)), 0, 0],
  "bytes behind it": ({ r, s }, random) => [
    ...canonical({ r, s }),
    ...Array.from({ length: 1 + random.below(4) }, () => random.below(256)),
  ],
  "bytes within it": ({ r, s }, random) =>
    sequence([
      ...integer(content(r)),
      ...integer(content(s)),
      ...Array.from({ length: 1 + random.below(4) }, () => random.below(256)),
    ]),
  "a third number": ({ r, s }) => sequence([...integer(content(r)), ...integer(content(s)), ...integer([1])]),
  "another tag": ({ r, s }, random) => {
    const changed = [...canonical({ r, s })];
    const places = [0, 2, 4 + content(r).length];
    changed[places[random.below(3)] ?? 0] = random.below(256);
    return changed;
  },
  "a missing sign byte": ({ r, s }) => sequence([...integer(magnitude(r)), ...integer(magnitude(s))]),
};

/** Other numbers, in their one right encoding: accepted where they are in range. */
const NUMBERS: Readonly<Record<string, Make>> = {
  "a random number": ({ r, s }, random) => {
    const bits = 1n << BigInt(random.below(257));
    const words = Array.from({ length: 8 }, () => BigInt(random.below(2 ** 32)));
    const other = words.reduce((sum, word) => (sum << 32n) | word, 0n) % bits;
    return canonical(random.oneIn(2) ? { r: other, s } : { r, s: other });
  },
  "a number at a limit": ({ r, s }, random) => {
    const limit = LIMITS[random.below(LIMITS.length)] ?? 0n;
    return canonical(random.oneIn(2) ? { r: limit, s } : { r, s: limit });
  },
  "the other s": ({ r, s }) => canonical({ r, s: ORDER - s }),
  "r and s exchanged": ({ r, s }) => canonical({ r: s, s: r }),
  nothing: canonical,
};

/** Bytes of the encoding, without regard for what they mean. */
const BYTES: Readonly<Record<string, Make>> = {
  "bits flipped": (signature, random) => {
    const changed = canonical(signature);
    for (let count = 1 + random.below(3); count > 0; count--) {
      const at = random.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    }
    return changed;
  },
  "a byte replaced": (signature, random) => {
    const changed = canonical(signature);
    changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  "a byte removed": (signature, random) => canonical(signature).toSpliced(random.below(70), 1),
  "a byte added": (signature, random) => canonical(signature).toSpliced(random.below(72), 0, random.below(256)),
  "the end cut off": (signature, random) => canonical(signature).slice(0, random.below(70)),
};

const GROUPS = [Object.entries(ENCODINGS), Object.entries(NUMBERS), Object.entries(BYTES), Object.entries(BYTES)];

/** One mutation of a signature: a fourth another encoding, a fourth other numbers, half changed bytes. */
export function mutateSignature(signature: RawSignature, random: Random): Mutated {
  const group = GROUPS[random.below(GROUPS.length)] ?? [];
  const [kind, make] = group[random.below(group.length)] ?? ["nothing", canonical];
  return { kind, der: Uint8Array.from(make(signature, random)) };
}

function canonical({ r, s }: RawSignature): number[] {
  return sequence([...integer(content(r)), ...integer(content(s))]);
}

function magnitude(value: bigint): number[] {
  const hex = value.toString(16);
  return [...Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex")];
}

/** The shortest two's complement (X.690, section 8.3). */
function content(value: bigint): number[] {
  const bytes = magnitude(value);
  return (bytes[0] ?? 0) & 0x80 ? [0, ...bytes] : bytes;
}

const short = (length: number) => [length];
const long81 = (length: number) => [0x81, length];
const long82 = (length: number) => [0x82, 0, length];

function element(tag: number, body: readonly number[], form: (length: number) => number[] = short): number[] {
  return [tag, ...form(body.length), ...body];
}

const integer = (body: readonly number[]) => element(0x02, body);
const sequence = (body: readonly number[]) => element(0x30, body);
