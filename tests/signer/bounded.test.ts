import { expect, test } from "@jest/globals";
import { bounded } from "../../src/signer/bounded.ts";

test("what was given up before it began is not begun", async () => {
  const reason = new Error("changed my mind");
  let begun = false;
  const call = async () => {
    begun = true;
  };
  await expect(bounded(call, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(begun).toBe(false);
});
