import { describe, expect, test } from "@jest/globals";
import { SignerError } from "../../src/core/errors.ts";

describe("withContext", () => {
  test("keeps the stack of where it was thrown", () => {
    const error = new SignerError("THROTTLED", "later");
    expect(error.withContext({ backend: "memory" }).stack).toBe(error.stack);
  });

  test("does without one, as hardened engines give none", () => {
    const error = new SignerError("THROTTLED", "later");
    delete error.stack;
    expect(error.withContext({ backend: "memory" })).toMatchObject({ code: "THROTTLED", backend: "memory" });
  });
});
