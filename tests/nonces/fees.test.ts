import { expect, test } from "@jest/globals";
import { bumpFees } from "../../src/nonces/fees.ts";

const none = { gasPrice: 0n, maxFee: 0n, tip: 0n };

test.each([
  [0n, 1n],
  [1n, 2n],
  [9n, 10n],
  [10n, 11n],
  [11n, 13n],
  [100n, 110n],
  [101n, 112n],
])("a price of %i wei becomes %i: 10 % more, rounded up", (before, after) => {
  expect(bumpFees({ type: 0, gasPrice: before }, none, undefined)).toEqual({ gasPrice: after });
  const fees = bumpFees({ type: 2, maxFeePerGas: before, maxPriorityFeePerGas: before }, none, undefined);
  expect(fees).toEqual({ maxFeePerGas: after, maxPriorityFeePerGas: after });
});

test("all fees of a blob transaction are doubled", () => {
  const fees = { maxFeePerGas: 10n, maxPriorityFeePerGas: 3n, maxFeePerBlobGas: 1n };
  expect(bumpFees({ type: 3, ...fees }, none, undefined)).toEqual({
    maxFeePerGas: 20n,
    maxPriorityFeePerGas: 6n,
    maxFeePerBlobGas: 2n,
  });
});

test("the node's suggestion counts if it is more, and the tip is never above the cap", () => {
  const suggested = { gasPrice: 70n, maxFee: 50n, tip: 60n };
  expect(bumpFees({ type: 1, gasPrice: 10n }, suggested, undefined)).toEqual({ gasPrice: 70n });
  const fees = bumpFees({ type: 2, maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }, suggested, undefined);
  expect(fees).toEqual({ maxFeePerGas: 50n, maxPriorityFeePerGas: 50n });
});

test("a limit is a limit", () => {
  expect(() => bumpFees({ type: 0, gasPrice: 100n }, none, 109n)).toThrow("needs 110 wei per gas");
  expect(bumpFees({ type: 0, gasPrice: 100n }, none, 110n)).toEqual({ gasPrice: 110n });
});
