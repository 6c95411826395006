import { expect, test } from "@jest/globals";
import { getBytes } from "ethers";
import { publicKeyFromSpki } from "../../src/core/public-key.ts";

test("an algorithm without an arc is refused as another algorithm", () => {
  // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER (no content) }, BIT STRING }
  expect(() => publicKeyFromSpki(getBytes("0x3007300206000301" + "00"))).toThrow(
    expect.objectContaining({ code: "KEY_UNUSABLE", message: expect.stringContaining("0.0") }),
  );
});
