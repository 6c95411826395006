import { describe, expect, test } from "@jest/globals";
import { redactText } from "../../src/backend/failure.ts";

const KEY = "0123456789abcdef".repeat(4);

describe("a vendor's text in errors and logs", () => {
  test.each([
    ["a header", "x-amz-security-token: planted", "x-amz-security-token [REDACTED]"],
    [
      "an Authorization header to the end of its line",
      "Authorization=AWS4 Signature=planted\nnext",
      "Authorization [REDACTED] next",
    ],
    ["a JSON Web Token", "got eyJhbGciOiJIUzI1NiJ9.planted.x", "got [REDACTED]"],
    ["a bearer token", `Bearer ${"planted-".repeat(4)}`, "[REDACTED]"],
    ["a form's secret", "client_secret=planted&grant_type=x", "client_secret=[REDACTED]&grant_type=x"],
    ["a URL's password", "http://user:planted@proxy:1", "http://[REDACTED]@proxy:1"],
    ["a private key in hex", `d is 0x${KEY}.`, "d is [REDACTED]."],
    ["a private key in base64url", `{"d":"${Buffer.from(KEY, "hex").toString("base64url")}"}`, '{"d":"[REDACTED]"}'],
  ])("has no %s", (_name, text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  test("keeps what identifies keys and requests, in one line", () => {
    const arn = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const kid = "https://treasury.vault.azure.net/keys/hot-wallet/0123456789abcdef0123456789abcdef";
    expect(redactText(`${arn}\r\n${kid}`)).toBe(`${arn} ${kid}`);
    expect(redactText("\u001b[31mred")).toBe("[31mred");
    expect(redactText("a".repeat(600))).toHaveLength(500);
    expect(redactText(undefined)).toBe("");
  });
});
