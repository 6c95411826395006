import { allToAffine, doubled, type JacobianPoint, sumOf, toAffine } from "./affine-point.ts";
import { type AffinePoint, PRIME } from "./curve.ts";
import { BETA, splitScalar } from "./endomorphism.ts";
import { DIGITS, signedDigits } from "./signed-digits.ts";

const WIDTH = 4;
const PER_POINT = 2 ** (WIDTH - 2);

/** The 1-, 3-, 5- and 7-fold of a point. */
type Multiples = readonly AffinePoint[];

/** Half a scalar, and the multiples that its digits take. */
interface Term {
  readonly multiples: Multiples;
  readonly digits: Int16Array;
}

/**
 * u1·P + u2·Q without tables: 128 doublings that both scalars' halves share (Straus's method), and about 103 additions.
 *
 * Undefined where it is infinity, and where two equal or opposite points met on the way.
 */
export function plainSum(u1: bigint, p: AffinePoint, u2: bigint, q: AffinePoint): AffinePoint | undefined {
  const [pMultiples, qMultiples] = oddMultiples([p, q]) as [Multiples, Multiples];
  const terms = [...halves(u1, pMultiples), ...halves(u2, qMultiples)];
  let sum: JacobianPoint | undefined;
  for (let index = DIGITS - 1; index >= 0; index -= 1) {
    if (sum) sum = doubled(sum);
    for (const { multiples, digits } of terms) {
      const digit = digits[index] as number;
      if (digit === 0) continue;
      const { x, y } = multiples[Math.abs(digit) >> 1] as AffinePoint;
      const signed = { x, y: digit < 0 ? -y : y };
      sum = sum ? sumOf(sum, signed) : { ...signed, z: 1n };
    }
  }
  return sum && toAffine(sum);
}

function halves(scalar: bigint, multiples: Multiples): readonly [Term, Term] {
  const [first, second] = splitScalar(scalar);
  const images = multiples.map(({ x, y }) => ({ x: (x * BETA) % PRIME, y }));
  return [
    { multiples, digits: signedDigits(first, WIDTH) },
    { multiples: images, digits: signedDigits(second, WIDTH) },
  ];
}

/** The odd multiples of each point, with two inversions in all. None of them is infinite: n is a large prime. */
function oddMultiples(points: readonly AffinePoint[]): readonly Multiples[] {
  const running = points.map((point) => ({ ...point, z: 1n }));
  const doubles = allToAffine(running.map(doubled)) as Multiples;
  const sums = running.flatMap((point, index) => {
    const multiples: JacobianPoint[] = [point];
    while (multiples.length < PER_POINT) {
      multiples.push(sumOf(multiples.at(-1) as JacobianPoint, doubles[index] as AffinePoint));
    }
    return multiples;
  });
  const affine = allToAffine(sums) as Multiples;
  return points.map((_, index) => affine.slice(index * PER_POINT, (index + 1) * PER_POINT));
}
