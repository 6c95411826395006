import { describe, expect, test } from "@jest/globals";
import { NewNames, outcomeUnknown, withCreatedKey } from "../../src/backend/creation.ts";
import { SignerError } from "../../src/core/errors.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const CONTEXT = { backend: "aws-kms", operation: "createKey" };

describe("a failure after a key was made", () => {
  test("names the key also if it is not an error of the backend's, and is not retryable", async () => {
    const broken = new TypeError("x is not a function");
    const failing = withCreatedKey(ARN, "Schedule its deletion", CONTEXT, () => Promise.reject(broken));
    await expect(failing).rejects.toMatchObject({
      ...{ code: "BACKEND_UNAVAILABLE", backend: "aws-kms", keyId: ARN, retryable: false, cause: broken },
      info: { createdKeyId: ARN },
      message: expect.stringContaining("Schedule its deletion"),
    });
  });

  test("keeps the code, the request's id and the facts of the backend's error", async () => {
    const denied = new SignerError("ACCESS_DENIED", "no", { requestId: "r-1", info: { source: "KMS" } });
    await expect(withCreatedKey(ARN, "Look", CONTEXT, () => Promise.reject(denied))).rejects.toMatchObject({
      ...{ code: "ACCESS_DENIED", requestId: "r-1", info: { source: "KMS", createdKeyId: ARN } },
      message: `the key ${ARN} was made, but no. Look`,
    });
  });
});

describe("a request that makes a key and has no response", () => {
  test.each(["BACKEND_TIMEOUT", "BACKEND_UNAVAILABLE"] as const)("%s says so, and is not retryable", async (code) => {
    const lost = new SignerError(code, "lost", { keyId: ARN, operation: "createKey" });
    await expect(outcomeUnknown("list the keys", () => Promise.reject(lost))).rejects.toMatchObject({
      ...{ code, retryable: false, keyId: ARN, operation: "createKey", info: { outcome: "unknown" } },
      message: "lost. The key may have been made: look before you try again (list the keys)",
    });
  });

  test.each([
    ["a refusal", new SignerError("ACCESS_DENIED", "no")],
    ["a response", new SignerError("BACKEND_UNAVAILABLE", "down", { info: { statusCode: 503 } })],
    ["an error of another kind", new RangeError("a bug")],
  ])("%s is what it is", async (_name, error) => {
    await expect(outcomeUnknown("list the keys", () => Promise.reject(error))).rejects.toBe(error);
  });
});

describe("names of new keys", () => {
  test("of two calls with one name at the same time, one makes a key; afterwards the name is free again", async () => {
    const names = new NewNames();
    let made = 0;
    const make = async () => {
      await Promise.resolve();
      return ++made;
    };
    const both = await Promise.allSettled([
      names.reserve("alias/a", CONTEXT, make),
      names.reserve("alias/a", CONTEXT, make),
      names.reserve("alias/b", CONTEXT, make),
      names.reserve(undefined, CONTEXT, make),
      names.reserve(undefined, CONTEXT, make),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect(both[1]).toMatchObject({ reason: { code: "KEY_EXISTS", retryable: false, ...CONTEXT } });
    expect(await names.reserve("alias/a", CONTEXT, make)).toBe(5);
    await expect(names.reserve("alias/a", CONTEXT, () => Promise.reject(new Error("x")))).rejects.toThrow("x");
    expect(await names.reserve("alias/a", CONTEXT, make)).toBe(6);
  });
});
