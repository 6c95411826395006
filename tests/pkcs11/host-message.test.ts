import { describe, expect, test } from "@jest/globals";
import { SignerError } from "../../src/core/errors.ts";
import { returnValueOf } from "../../src/pkcs11/errors.ts";
import { fromHostedError, toHostedError } from "../../src/pkcs11/host/message.ts";

/** As it arrives after the structured clone of the pipe. */
function sent(error: SignerError): SignerError {
  return fromHostedError(structuredClone(toHostedError(error)));
}

describe("an error of a library in a process of its own", () => {
  test("arrives as it was, with its cause as text", () => {
    const cause = new TypeError("CKR_DEVICE_ERROR");
    const context = { operation: "C_Sign", retryable: true, info: { returnValue: 0x30 }, cause };
    const error = sent(new SignerError("BACKEND_UNAVAILABLE", "C_Sign failed", context));
    expect(error).toBeInstanceOf(SignerError);
    expect(error).toMatchObject({
      ...{ code: "BACKEND_UNAVAILABLE", message: "C_Sign failed", operation: "C_Sign" },
      ...{ retryable: true, info: { returnValue: 0x30 }, cause: { message: "TypeError: CKR_DEVICE_ERROR" } },
    });
    expect(returnValueOf(error)).toBe(0x30);
  });

  test("without a cause arrives without one", () => {
    const error = sent(new SignerError("KEY_UNUSABLE", "no key"));
    expect(error).toMatchObject({ code: "KEY_UNUSABLE", message: "no key", retryable: false });
    expect(error.cause).toBeUndefined();
  });
});
