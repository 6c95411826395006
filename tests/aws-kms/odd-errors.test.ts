import { describe, expect, test } from "@jest/globals";
import { CredentialTrail } from "../../src/aws-kms/credential-errors.ts";
import { kmsError } from "../../src/aws-kms/errors.ts";

const CONTEXT = { operation: "signDigest", request: "Sign", resource: "alias/treasury" } as const;
const SENT = { sent: true, response: undefined };

test("a client of another copy of the SDK", () => {
  const thrown = new Error("serializerMiddleware is not found when adding endpointMiddleware middleware");
  const error = kmsError(thrown, CONTEXT, { sent: false, response: undefined }, new CredentialTrail());
  expect(error).toMatchObject({ code: "DEPENDENCY_MISSING", retryable: false });
  expect(error.message).toMatch(/another copy of the AWS SDK.*npm ls @aws-sdk\/client-kms/);
});

describe("whatever the SDK may throw is a SignerError that names what it can", () => {
  test.each([
    ["nothing", undefined, "Error"],
    ["null", null, "Error"],
    ["a text", "broken", "Error"],
    ["an error without a text", Object.assign(new Error(), { name: "NotFoundException" }), "NotFoundException"],
    ["an error with an empty name", Object.assign(new Error("why"), { name: "" }), "Error"],
    ["an error with a name that is not a string", Object.assign(new Error("why"), { name: 7 }), "Error"],
    [
      "an error with a message that is not a string",
      Object.assign(new Error(), { message: { of: "objects" } }),
      "Error",
    ],
    ["an empty first line", new Error("\nthe second line"), "Error"],
  ])("%s", (_name, thrown, exception) => {
    const error = kmsError(thrown, CONTEXT, SENT, new CredentialTrail());
    expect(error).toMatchObject({ name: "SignerError", operation: "signDigest", info: { errorCode: exception } });
    expect(error.message).toMatch(new RegExp(`^Sign failed with ${exception}: \\S`));
    expect(error.message).not.toMatch(/undefined|\[object|\(\)/);
  });
});
