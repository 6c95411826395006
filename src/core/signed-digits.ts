/** How many digits a scalar of `splitScalar` has, the last carry included, rounded up to what divides by four. */
export const DIGITS = 132;

/**
 * The non-adjacent form of `scalar` with windows of `width` bits: scalar = Σ digits[i]·2^i, where each digit is 0 or odd with
 * |digit| < 2^(width-1), and of any `width` in a row at most one is not 0 (Hankerson, Menezes, Vanstone: Guide to Elliptic
 * Curve Cryptography, algorithm 3.35). On average one digit in width + 1 costs an addition.
 *
 * @param scalar |scalar| < 2^128; a negative one has the digits of its magnitude, negated.
 * @param width 2 to 15.
 */
export function signedDigits(scalar: bigint, width: number): Int16Array {
  const sign = scalar < 0n ? -1 : 1;
  const words = wordsOf(scalar < 0n ? -scalar : scalar);
  const digits = new Int16Array(DIGITS);
  let carry = 0;
  for (let at = 0; at < DIGITS; ) {
    const low = words[at >> 4] as number;
    const bits = (((words[(at >> 4) + 1] as number) << 16) | low) >>> (at & 15);
    if ((bits & 1) === carry) {
      at += 1;
      continue;
    }
    const window = (bits & ((1 << width) - 1)) + carry;
    carry = window >> (width - 1);
    digits[at] = sign * (window - (carry << width));
    at += width;
  }
  return digits;
}

/** 16 bits each, the lowest first, with room to look beyond the last digit. */
function wordsOf(magnitude: bigint): Uint16Array {
  const words = new Uint16Array(10);
  let rest = magnitude;
  for (let index = 0; rest !== 0n; index += 1) {
    words[index] = Number(BigInt.asUintN(16, rest));
    rest >>= 16n;
  }
  return words;
}
