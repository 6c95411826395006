// A double holds 53 bits exactly. Of the 51 leading ones that a round looks at, the upper half decides quotients. The logarithm
// that finds them may be one bit off either way.
const LEADING_BITS = 51;
const HALF = 2 ** 26;

/**
 * 1/value modulo a prime: between -modulus and modulus, as `%` leaves it. `value` may be negative; 0 has no inverse and
 * gives 0.
 *
 * Euclid's algorithm as Lehmer speeds it up (Knuth, The Art of Computer Programming 4.5.2, algorithm L): the quotients come
 * from the leading bits, in doubles, and about fifteen of them at a time are applied to the long numbers. A quotient that the
 * leading bits got wrong costs another round and no more: after any of them `a ≡ x·value` and `b ≡ y·value`, and a and b have
 * the same greatest common divisor as before.
 *
 * Variable time: for public values only.
 */
export function invert(value: bigint, modulus: bigint): bigint {
  let a = modulus;
  let b = value % modulus;
  let x = 0n;
  let y = 1n;
  while (b !== 0n) {
    if (b < 0n) {
      b = -b;
      y = -y;
    }
    if (a < b) {
      // The cut bits decided more than those that were looked at.
      const [greater, itsFactor] = [b, y];
      b = a;
      y = x;
      a = greater;
      x = itsFactor;
    }
    const { aa, ab, ba, bb } = quotients(a, b);
    // Positive, as a ≥ b: in units of the last bit that was looked at, it is HALF at least without the cut bits, which change it
    // by less than the greater of aa and ab, at most 2^52 / HALF.
    const nextA = aa * a + ab * b;
    const nextX = aa * x + ab * y;
    b = ba * a + bb * b;
    y = ba * x + bb * y;
    a = nextA;
    x = nextX;
  }
  return x % modulus;
}

/** Some steps of Euclid's algorithm, one at least: (a, b) becomes (aa·a + ab·b, ba·a + bb·b). */
interface Steps {
  readonly aa: bigint;
  readonly ab: bigint;
  readonly ba: bigint;
  readonly bb: bigint;
}

/** The steps that the leading bits of a and b, with a ≥ b, tell; or the next one by itself, where that is none. */
function quotients(a: bigint, b: bigint): Steps {
  const excess = Math.max(0, Math.floor(Math.log2(Number(a))) + 1 - LEADING_BITS);
  const enough = excess === 0 ? 1 : HALF;
  let u = Number(a >> BigInt(excess));
  let v = Number(b >> BigInt(excess));
  let aa = 1;
  let ab = 0;
  let ba = 0;
  let bb = 1;
  // Plain assignments, since destructuring is slow where this is not compiled yet.
  while (v >= enough) {
    const quotient = Math.floor(u / v);
    const rest = u - quotient * v;
    const restA = aa - quotient * ba;
    const restB = ab - quotient * bb;
    u = v;
    v = rest;
    aa = ba;
    ba = restA;
    ab = bb;
    bb = restB;
  }
  if (ab === 0) return { aa: 0n, ab: 1n, ba: 1n, bb: -(a / b) };
  return { aa: BigInt(aa), ab: BigInt(ab), ba: BigInt(ba), bb: BigInt(bb) };
}
