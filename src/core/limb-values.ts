import { PRIME } from "./curve.ts";
import { LIMBS, settle } from "./limbs.ts";

const LIMB = 2 ** 24;

/** Writes a value of any sign as an element of size 1. */
export function writeElement(out: Float64Array, o: number, value: bigint): void {
  let rest = value % PRIME;
  if (rest < 0n) rest += PRIME;
  // Two limbs at a time: what is 48 bits long passes between BigInt and doubles quickly, and exactly.
  for (let limb = 0; limb < LIMBS; limb += 2) {
    const pair = Number(BigInt.asUintN(48, rest));
    const low = pair % LIMB;
    out[o + limb] = low;
    if (limb + 1 < LIMBS) out[o + limb + 1] = (pair - low) / LIMB;
    rest >>= 48n;
  }
  settle(out, o);
}

/** The value of an element of size 63 at most, in 0..p-1: of a greater one, two limbs together would be no exact double. */
export function readElement(a: Float64Array, i: number): bigint {
  let value = BigInt(a[i + LIMBS - 1] as number);
  for (let limb = LIMBS - 3; limb >= 0; limb -= 2) {
    value = (value << 48n) + BigInt((a[i + limb] as number) + (a[i + limb + 1] as number) * LIMB);
  }
  value %= PRIME;
  return value < 0n ? value + PRIME : value;
}
