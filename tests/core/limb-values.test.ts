import { expect, test } from "@jest/globals";
import { readElement, writeElement } from "../../src/core/limb-values.ts";
import { LIMBS } from "../../src/core/limbs.ts";
import { PRIME } from "./support.ts";

test.each([0n, 1n, PRIME - 1n, PRIME, -1n, 2n ** 255n, -(2n ** 300n)])(
  "what stands before and behind an element stays when %d is written, and is not read",
  (value) => {
    const limbs = new Float64Array(3 * LIMBS).fill(777);
    writeElement(limbs, LIMBS, value);
    expect(limbs.subarray(0, LIMBS)).toEqual(new Float64Array(LIMBS).fill(777));
    expect(limbs.subarray(2 * LIMBS)).toEqual(new Float64Array(LIMBS).fill(777));
    expect(readElement(limbs, LIMBS)).toBe(((value % PRIME) + PRIME) % PRIME);
  },
);
