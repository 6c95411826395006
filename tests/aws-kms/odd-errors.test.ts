import { describe, expect, test } from "@jest/globals";
import { withCreatedKey } from "../../src/aws-kms/creation.ts";
import { kmsError } from "../../src/aws-kms/errors.ts";

const ASKED = { operation: "Sign", keyId: "alias/treasury" } as const;
const ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

describe("whatever the SDK may throw is a SignerError that names what it can", () => {
  test.each([
    ["nothing", undefined, "Error"],
    ["null", null, "Error"],
    ["a text", "broken", "Error"],
    ["an error without a text", Object.assign(new Error(), { name: "NotFoundException" }), "NotFoundException"],
    ["an error with an empty name", Object.assign(new Error("why"), { name: "" }), "Error"],
    ["an error with a name that is no text", Object.assign(new Error("why"), { name: 7 }), "Error"],
    ["an error with a message that is no text", Object.assign(new Error(), { message: { of: "objects" } }), "Error"],
    ["an empty first line", new Error("\nthe second line"), "Error"],
  ])("%s", (_name, thrown, exception) => {
    const error = kmsError(thrown, ASKED);
    expect(error).toMatchObject({ name: "SignerError", operation: "Sign", info: { exception } });
    expect(error.message).toMatch(new RegExp(`^Sign failed with ${exception}: \\S`));
    expect(error.message).not.toMatch(/undefined|\[object|second line|\(\)/);
  });
});

describe("a failure after a key was made", () => {
  test("names the key also where it is no error of KMS's, and is not tried again", async () => {
    const broken = new TypeError("x is not a function");
    const failing = withCreatedKey(ARN, "Schedule its deletion", () => Promise.reject(broken));
    await expect(failing).rejects.toMatchObject({
      ...{ code: "BACKEND_UNAVAILABLE", backend: "aws-kms", keyId: ARN, retryable: false, cause: broken },
      info: { createdKeyId: ARN },
      message: expect.stringContaining("Schedule its deletion"),
    });
  });
});
