import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { isSignerError, SignerError, type SignerErrorCode } from "../../src/core/errors.ts";

const CODES: readonly (readonly [SignerErrorCode, boolean])[] = [
  ["KEY_NOT_FOUND", false],
  ["KEY_UNUSABLE", false],
  ["ACCESS_DENIED", false],
  ["THROTTLED", true],
  ["BACKEND_TIMEOUT", true],
  ["BACKEND_UNAVAILABLE", true],
  ["BACKEND_RESPONSE_INVALID", false],
  ["SIGNATURE_MISMATCH", false],
  ["KEY_CHANGED", false],
  ["ADDRESS_MISMATCH", false],
  ["KEY_EXISTS", false],
  ["DEPENDENCY_MISSING", false],
  ["SIGNER_CLOSED", false],
];

describe("SignerError", () => {
  test.each(CODES)("%s is retryable by default: %s", (code, retryable) => {
    expect(new SignerError(code, "text").retryable).toBe(retryable);
    expect(new SignerError(code, "text", { retryable: !retryable }).retryable).toBe(!retryable);
  });

  test("has a name, a real cause and a readable inspection", () => {
    const cause = new Error("the vendor's own words");
    const error = new SignerError("THROTTLED", "too many requests", { backend: "aws-kms", keyId: "k", cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("SignerError");
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe("SignerError: too many requests");
    expect(inspect(error)).toContain("the vendor's own words");
    expect("cause" in new SignerError("THROTTLED", "text")).toBe(false);
  });

  test("takes another name, as libraries give to the errors that they pass on", () => {
    const error = new SignerError("THROTTLED", "text");
    error.name = "PaymentError";
    expect(String(error)).toBe("PaymentError: text");
    expect(new SignerError("THROTTLED", "text").name).toBe("SignerError");
  });

  test("withContext fills in what is missing and keeps the rest", () => {
    const cause = new Error();
    const options = { operation: "C_Sign", retryable: true, requestId: "42", info: { a: 1 }, cause };
    const bare = new SignerError("KEY_UNUSABLE", "text", options);
    const full = bare.withContext({ backend: "pkcs11", keyId: "k", operation: "signDigest" });
    expect(full).toMatchObject({ code: "KEY_UNUSABLE", message: "text", backend: "pkcs11", keyId: "k", ...options });
    expect(full.cause).toBe(cause);
    expect(full.stack).toBe(bare.stack);
    expect(full.withContext({ backend: "other" })).toBe(full);
    expect(bare.withContext({})).toBe(bare);
  });

  test("withContext does without a stack, as hardened engines have none", () => {
    const error = new SignerError("THROTTLED", "later");
    delete error.stack;
    expect(error.withContext({ backend: "memory" })).toMatchObject({ code: "THROTTLED", backend: "memory" });
  });

  test("as JSON it has the message, and neither stack nor cause", () => {
    const error = new SignerError("KEY_NOT_FOUND", "text", { keyId: "k", cause: new Error("hidden") });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "SignerError",
      code: "KEY_NOT_FOUND",
      message: "text",
      keyId: "k",
      retryable: false,
    });
  });
});

describe("isSignerError", () => {
  test("knows its own, by code where one is given", () => {
    const error = new SignerError("THROTTLED", "text");
    expect(isSignerError(error)).toBe(true);
    expect(isSignerError(error, "THROTTLED")).toBe(true);
    expect(isSignerError(error, "KEY_CHANGED")).toBe(false);
  });

  test("knows the error of another copy of the package", () => {
    const brand = Symbol.for("ethers-hsm.SignerError");
    class Other extends Error {
      readonly code = "THROTTLED";
      readonly [brand] = true;
    }
    expect(isSignerError(new Other(), "THROTTLED")).toBe(true);
  });

  test.each([undefined, null, "THROTTLED", new Error("THROTTLED"), { code: "THROTTLED" }, () => undefined])(
    "is false for %p",
    (value) => expect(isSignerError(value)).toBe(false),
  );

  test("no code is one of ethers'", () => {
    const ethersCodes = ["UNKNOWN_ERROR", "NOT_IMPLEMENTED", "UNSUPPORTED_OPERATION", "NETWORK_ERROR", "SERVER_ERROR"];
    const more = ["TIMEOUT", "BAD_DATA", "CANCELLED", "INVALID_ARGUMENT", "MISSING_ARGUMENT", "UNCONFIGURED_NAME"];
    expect(CODES.filter(([code]) => [...ethersCodes, ...more].includes(code))).toEqual([]);
  });
});

describe("info", () => {
  const [previous, current] = ["one", "two"].map((keyId) => ({ keyId, address: undefined })) as [
    { keyId: string; address: undefined },
    { keyId: string; address: undefined },
  ];

  test("has the type that its code says", () => {
    const changed: unknown = new SignerError("KEY_CHANGED", "text", { info: { previous, current, more: 1 } });
    const mismatch: unknown = new SignerError("ADDRESS_MISMATCH", "text", { info: { expected: "0x1", actual: "0x2" } });
    if (!isSignerError(changed, "KEY_CHANGED") || !isSignerError(mismatch, "ADDRESS_MISMATCH")) throw changed;
    const facts: readonly (string | undefined)[] = [
      changed.info.previous.keyId,
      changed.info.current.keyId,
      changed.info.current.address,
      mismatch.info.expected,
      mismatch.info.actual,
    ];
    expect(facts).toEqual(["one", "two", undefined, "0x1", "0x2"]);
    const code: "KEY_CHANGED" = changed.code;
    expect(code).toBe("KEY_CHANGED");
    expect(isSignerError(changed) && changed.info?.["more"]).toBe(1);
  });

  // The compiler checks them: each of these lines must be an error of types, so that no source can leave a fact out.
  test("cannot be left out where its code promises it", () => {
    // @ts-expect-error options are missing
    new SignerError("KEY_CHANGED", "text");
    // @ts-expect-error info is missing
    new SignerError("ADDRESS_MISMATCH", "text", { keyId: "k" });
    // @ts-expect-error current is missing
    new SignerError("KEY_CHANGED", "text", { info: { previous } });
    // @ts-expect-error these are the facts of another code
    new SignerError("ADDRESS_MISMATCH", "text", { info: { previous, current } });
    const throttled = new SignerError("THROTTLED", "text");
    // @ts-expect-error it may have no info
    expect(() => throttled.info["statusCode"]).toThrow(TypeError);
  });
});
