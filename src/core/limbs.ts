/**
 * Arithmetic modulo p = 2^256 - 2^32 - 977 in doubles.
 *
 * An element is eleven doubles in a row of a Float64Array, from an offset on. They are whole numbers, its limbs: limb k counts
 * 2^(24k). Limbs are signed, and a value has many representations, so that adding needs no carry. Products of two limbs,
 * and sums of eleven of them, stay below 2^53, up to where doubles are exact: a product of two elements is 121 products of
 * machine numbers, where BigInt allocates several times and divides. Once compiled it takes a third of BigInt's time; before
 * that, ten times of it.
 *
 * What grows without carries has a *size*: at size m, limbs 0 to 9 are within ±m·(2^23 + 2^6) and limb 10 is within
 * ±m·(2^15 + 2^6). Adding adds sizes. `multiply`, `square` and `settle` give size 1. The product of the two sizes that go
 * into `multiply` may be 12: the longest sum, limb 9's, is then below 12·10.01·2^46, and below 2^53 with what is folded into it.
 *
 * Nothing here depends on a secret. There happens to be no branch either.
 */

/** The doubles of an element. */
export const LIMBS = 11;

// Constants are written out in each function: a bundler turns those of a module into variables, which the compiler then loads
// anew at each use, at twice the time. 1.5·2^(52 + k), added and subtracted, rounds a double to a multiple of 2^k next to it.

/** out = a·b. `out` may be a or b. */
export function multiply(out: Float64Array, o: number, a: Float64Array, i: number, b: Float64Array, j: number): void {
  const AT_24 = 0x18000000000000000000; // 1.5·2^76
  const DOWN_24 = 5.9604644775390625e-8; // 2^-24
  const a0 = a[i] as number;
  const a1 = a[i + 1] as number;
  const a2 = a[i + 2] as number;
  const a3 = a[i + 3] as number;
  const a4 = a[i + 4] as number;
  const a5 = a[i + 5] as number;
  const a6 = a[i + 6] as number;
  const a7 = a[i + 7] as number;
  const a8 = a[i + 8] as number;
  const a9 = a[i + 9] as number;
  const a10 = a[i + 10] as number;
  const b0 = b[j] as number;
  const b1 = b[j + 1] as number;
  const b2 = b[j + 2] as number;
  const b3 = b[j + 3] as number;
  const b4 = b[j + 4] as number;
  const b5 = b[j + 5] as number;
  const b6 = b[j + 6] as number;
  const b7 = b[j + 7] as number;
  const b8 = b[j + 8] as number;
  const b9 = b[j + 9] as number;
  const b10 = b[j + 10] as number;

  // The upper half of the product, carried once.
  const h11 = a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2 + a10 * b1;
  const h12 = a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3 + a10 * b2;
  const h13 = a3 * b10 + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4 + a10 * b3;
  const h14 = a4 * b10 + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5 + a10 * b4;
  const h15 = a5 * b10 + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6 + a10 * b5;
  const h16 = a6 * b10 + a7 * b9 + a8 * b8 + a9 * b7 + a10 * b6;
  const h17 = a7 * b10 + a8 * b9 + a9 * b8 + a10 * b7;
  const h18 = a8 * b10 + a9 * b9 + a10 * b8;
  const h19 = a9 * b10 + a10 * b9;
  const h20 = a10 * b10;
  const c11 = h11 + AT_24 - AT_24;
  const c12 = h12 + AT_24 - AT_24;
  const c13 = h13 + AT_24 - AT_24;
  const c14 = h14 + AT_24 - AT_24;
  const c15 = h15 + AT_24 - AT_24;
  const c16 = h16 + AT_24 - AT_24;
  const c17 = h17 + AT_24 - AT_24;
  const c18 = h18 + AT_24 - AT_24;
  const c19 = h19 + AT_24 - AT_24;
  const c20 = h20 + AT_24 - AT_24;
  const u11 = h11 - c11;
  const u12 = h12 - c12 + c11 * DOWN_24;
  const u13 = h13 - c13 + c12 * DOWN_24;
  const u14 = h14 - c14 + c13 * DOWN_24;
  const u15 = h15 - c15 + c14 * DOWN_24;
  const u16 = h16 - c16 + c15 * DOWN_24;
  const u17 = h17 - c17 + c16 * DOWN_24;
  const u18 = h18 - c18 + c17 * DOWN_24;
  const u19 = h19 - c19 + c18 * DOWN_24;
  const u20 = h20 - c20 + c19 * DOWN_24;
  const u21 = c20 * DOWN_24;

  // The lower half, with the upper one folded in: 2^264 ≡ 2^40 + 250112.
  out[o] = a0 * b0 + u11 * 250112;
  out[o + 1] = a0 * b1 + a1 * b0 + u12 * 250112 + u11 * 65536;
  out[o + 2] = a0 * b2 + a1 * b1 + a2 * b0 + u13 * 250112 + u12 * 65536;
  out[o + 3] = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + u14 * 250112 + u13 * 65536;
  out[o + 4] = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + u15 * 250112 + u14 * 65536;
  out[o + 5] = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + u16 * 250112 + u15 * 65536;
  out[o + 6] = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0 + u17 * 250112 + u16 * 65536;
  out[o + 7] =
    a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0 + u18 * 250112 + u17 * 65536;
  out[o + 8] =
    a0 * b8 +
    a1 * b7 +
    a2 * b6 +
    a3 * b5 +
    a4 * b4 +
    a5 * b3 +
    a6 * b2 +
    a7 * b1 +
    a8 * b0 +
    u19 * 250112 +
    u18 * 65536;
  out[o + 9] =
    a0 * b9 +
    a1 * b8 +
    a2 * b7 +
    a3 * b6 +
    a4 * b5 +
    a5 * b4 +
    a6 * b3 +
    a7 * b2 +
    a8 * b1 +
    a9 * b0 +
    u20 * 250112 +
    u19 * 65536;
  out[o + 10] =
    a0 * b10 +
    a1 * b9 +
    a2 * b8 +
    a3 * b7 +
    a4 * b6 +
    a5 * b5 +
    a6 * b4 +
    a7 * b3 +
    a8 * b2 +
    a9 * b1 +
    a10 * b0 +
    u21 * 250112 +
    u20 * 65536;
  carry(out, o, u21 * 0x1000000);
}

/** out = a². `out` may be a. */
export function square(out: Float64Array, o: number, a: Float64Array, i: number): void {
  const AT_24 = 0x18000000000000000000; // 1.5·2^76
  const DOWN_24 = 5.9604644775390625e-8; // 2^-24
  const a0 = a[i] as number;
  const a1 = a[i + 1] as number;
  const a2 = a[i + 2] as number;
  const a3 = a[i + 3] as number;
  const a4 = a[i + 4] as number;
  const a5 = a[i + 5] as number;
  const a6 = a[i + 6] as number;
  const a7 = a[i + 7] as number;
  const a8 = a[i + 8] as number;
  const a9 = a[i + 9] as number;
  const a10 = a[i + 10] as number;
  const d0 = 2 * a0;
  const d1 = 2 * a1;
  const d2 = 2 * a2;
  const d3 = 2 * a3;
  const d4 = 2 * a4;
  const d5 = 2 * a5;
  const d6 = 2 * a6;
  const d7 = 2 * a7;
  const d8 = 2 * a8;
  const d9 = 2 * a9;

  // The upper half of the product, carried once.
  const h11 = d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6;
  const h12 = d2 * a10 + d3 * a9 + d4 * a8 + d5 * a7 + a6 * a6;
  const h13 = d3 * a10 + d4 * a9 + d5 * a8 + d6 * a7;
  const h14 = d4 * a10 + d5 * a9 + d6 * a8 + a7 * a7;
  const h15 = d5 * a10 + d6 * a9 + d7 * a8;
  const h16 = d6 * a10 + d7 * a9 + a8 * a8;
  const h17 = d7 * a10 + d8 * a9;
  const h18 = d8 * a10 + a9 * a9;
  const h19 = d9 * a10;
  const h20 = a10 * a10;
  const c11 = h11 + AT_24 - AT_24;
  const c12 = h12 + AT_24 - AT_24;
  const c13 = h13 + AT_24 - AT_24;
  const c14 = h14 + AT_24 - AT_24;
  const c15 = h15 + AT_24 - AT_24;
  const c16 = h16 + AT_24 - AT_24;
  const c17 = h17 + AT_24 - AT_24;
  const c18 = h18 + AT_24 - AT_24;
  const c19 = h19 + AT_24 - AT_24;
  const c20 = h20 + AT_24 - AT_24;
  const u11 = h11 - c11;
  const u12 = h12 - c12 + c11 * DOWN_24;
  const u13 = h13 - c13 + c12 * DOWN_24;
  const u14 = h14 - c14 + c13 * DOWN_24;
  const u15 = h15 - c15 + c14 * DOWN_24;
  const u16 = h16 - c16 + c15 * DOWN_24;
  const u17 = h17 - c17 + c16 * DOWN_24;
  const u18 = h18 - c18 + c17 * DOWN_24;
  const u19 = h19 - c19 + c18 * DOWN_24;
  const u20 = h20 - c20 + c19 * DOWN_24;
  const u21 = c20 * DOWN_24;

  // The lower half, with the upper one folded in: 2^264 ≡ 2^40 + 250112.
  out[o] = a0 * a0 + u11 * 250112;
  out[o + 1] = d0 * a1 + u12 * 250112 + u11 * 65536;
  out[o + 2] = d0 * a2 + a1 * a1 + u13 * 250112 + u12 * 65536;
  out[o + 3] = d0 * a3 + d1 * a2 + u14 * 250112 + u13 * 65536;
  out[o + 4] = d0 * a4 + d1 * a3 + a2 * a2 + u15 * 250112 + u14 * 65536;
  out[o + 5] = d0 * a5 + d1 * a4 + d2 * a3 + u16 * 250112 + u15 * 65536;
  out[o + 6] = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + u17 * 250112 + u16 * 65536;
  out[o + 7] = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + u18 * 250112 + u17 * 65536;
  out[o + 8] = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + u19 * 250112 + u18 * 65536;
  out[o + 9] = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + u20 * 250112 + u19 * 65536;
  out[o + 10] = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + u21 * 250112 + u20 * 65536;
  carry(out, o, u21 * 0x1000000);
}

/** Makes the size 1, of an element of size 2^20 at most; its value modulo p stays. */
export function settle(out: Float64Array, o: number): void {
  carry(out, o, 0);
}

/** Carries every limb twice, all at once; what leaves limb 10 at 2^256, and `excess`·2^256, comes in below: 2^256 ≡ 2^32 + 977. */
function carry(out: Float64Array, o: number, excess: number): void {
  const AT_24 = 0x18000000000000000000; // 1.5·2^76
  const DOWN_24 = 5.9604644775390625e-8; // 2^-24
  const AT_16 = 0x180000000000000000; // 1.5·2^68
  const DOWN_16 = 1.52587890625e-5; // 2^-16
  const l0 = out[o] as number;
  const l1 = out[o + 1] as number;
  const l2 = out[o + 2] as number;
  const l3 = out[o + 3] as number;
  const l4 = out[o + 4] as number;
  const l5 = out[o + 5] as number;
  const l6 = out[o + 6] as number;
  const l7 = out[o + 7] as number;
  const l8 = out[o + 8] as number;
  const l9 = out[o + 9] as number;
  const l10 = out[o + 10] as number;

  const c10 = l10 + AT_16 - AT_16;
  const over = c10 * DOWN_16 + excess;
  const s0 = l0 + over * 977;
  const s1 = l1 + over * 256;
  const c0 = s0 + AT_24 - AT_24;
  const c1 = s1 + AT_24 - AT_24;
  const c2 = l2 + AT_24 - AT_24;
  const c3 = l3 + AT_24 - AT_24;
  const c4 = l4 + AT_24 - AT_24;
  const c5 = l5 + AT_24 - AT_24;
  const c6 = l6 + AT_24 - AT_24;
  const c7 = l7 + AT_24 - AT_24;
  const c8 = l8 + AT_24 - AT_24;
  const c9 = l9 + AT_24 - AT_24;

  const m10 = l10 - c10 + c9 * DOWN_24;
  const d10 = m10 + AT_16 - AT_16;
  const rest = d10 * DOWN_16;
  const m0 = s0 - c0 + rest * 977;
  const m1 = s1 - c1 + c0 * DOWN_24 + rest * 256;
  const m2 = l2 - c2 + c1 * DOWN_24;
  const m3 = l3 - c3 + c2 * DOWN_24;
  const m4 = l4 - c4 + c3 * DOWN_24;
  const m5 = l5 - c5 + c4 * DOWN_24;
  const m6 = l6 - c6 + c5 * DOWN_24;
  const m7 = l7 - c7 + c6 * DOWN_24;
  const m8 = l8 - c8 + c7 * DOWN_24;
  const m9 = l9 - c9 + c8 * DOWN_24;
  const d0 = m0 + AT_24 - AT_24;
  const d1 = m1 + AT_24 - AT_24;
  const d2 = m2 + AT_24 - AT_24;
  const d3 = m3 + AT_24 - AT_24;
  const d4 = m4 + AT_24 - AT_24;
  const d5 = m5 + AT_24 - AT_24;
  const d6 = m6 + AT_24 - AT_24;
  const d7 = m7 + AT_24 - AT_24;
  const d8 = m8 + AT_24 - AT_24;
  const d9 = m9 + AT_24 - AT_24;

  out[o] = m0 - d0;
  out[o + 1] = m1 - d1 + d0 * DOWN_24;
  out[o + 2] = m2 - d2 + d1 * DOWN_24;
  out[o + 3] = m3 - d3 + d2 * DOWN_24;
  out[o + 4] = m4 - d4 + d3 * DOWN_24;
  out[o + 5] = m5 - d5 + d4 * DOWN_24;
  out[o + 6] = m6 - d6 + d5 * DOWN_24;
  out[o + 7] = m7 - d7 + d6 * DOWN_24;
  out[o + 8] = m8 - d8 + d7 * DOWN_24;
  out[o + 9] = m9 - d9 + d8 * DOWN_24;
  out[o + 10] = m10 - d10 + d9 * DOWN_24;
}
