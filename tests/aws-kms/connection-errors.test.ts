import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { KmsKeyStore, KmsSigner } from "ethers-hsm/aws-kms";
import { CredentialTrail } from "../../src/aws-kms/credential-errors.ts";
import { kmsError } from "../../src/aws-kms/errors.ts";
import { hangFor } from "../support/stopped-time.ts";
import { expectFailure, expectStripped, TOKEN } from "./expect-failure.ts";
import { type Kms, startKms } from "./support.ts";

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterEach(() => kms.server.faults.clear());

afterAll(async () => {
  await kms.server.close();
});

describe("without an answer of KMS", () => {
  test.each([
    [200, "BACKEND_RESPONSE_INVALID", false, 1],
    [403, "BACKEND_RESPONSE_INVALID", false, 1],
    [429, "THROTTLED", true, 3],
    [502, "BACKEND_UNAVAILABLE", true, 3],
  ] as const)("a page with status %d", async (status, code, retryable, attempts) => {
    const reply = { status, headers: { "content-type": "text/html" }, body: `<html>${TOKEN}</html>` };
    kms.server.faults.add({ kind: "reply", reply }, { operation: "Sign" });
    const source = "what answers in the place of AWS KMS";
    await expectFailure(
      kms,
      {},
      { code, retryable, attempts, source, says: [/proxy|quota|proxies/] },
      `HTTP ${status}`,
    );
  });

  test("a reset", async () => {
    kms.server.faults.add({ kind: "reset" }, { operation: "Sign" });
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, attempts: 3, says: ["ECONNRESET"] } as const;
    await expectFailure(kms, {}, expected, "TimeoutError");
  });

  test("a requestHandler's own time limit", async () => {
    kms.server.faults.add({ kind: "hang" }, { operation: "Sign" });
    const requestHandler = { requestTimeout: 50, throwOnRequestTimeout: true };
    const expected = { code: "BACKEND_TIMEOUT", retryable: true, says: ["did not respond in time", "50 ms"] } as const;
    const sign = () => expectFailure(kms, { requestHandler, maxAttempts: 1 }, expected, "TimeoutError");
    const before = kms.server.count("Sign");
    await hangFor(50, () => kms.server.count("Sign") > before, sign);
  });

  test("no such host", async () => {
    // As getaddrinfo has it, without a look-up that leaves this machine.
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND kms.invalid"), { code: "ENOTFOUND" });
    const requestHandler = { handle: () => Promise.reject(unknown) };
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, says: ["DNS", "ENOTFOUND"] } as const;
    await expectFailure(kms, { requestHandler }, expected, "Error");
  });

  test("a client that ends the request itself", async () => {
    const requestHandler = { handle: () => Promise.reject(Object.assign(new Error("ended"), { name: "AbortError" })) };
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, says: ["ended the request"] } as const;
    await expectFailure(kms, { requestHandler }, expected, "AbortError");
  });

  test.each(["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."])(
    "a browser's %s",
    async (message) => {
      const requestHandler = { handle: () => Promise.reject(new TypeError(message)) };
      await expectFailure(
        kms,
        { requestHandler },
        { code: "BACKEND_UNAVAILABLE", retryable: true, says: ["cannot be reached"] },
        "TypeError",
      );
    },
  );
});

const SOURCE = "the source of the credentials";

describe("before a request", () => {
  test("no credentials", async () => {
    const says = ["no AWS credentials found", "Could not load credentials"];
    const expected = { code: "ACCESS_DENIED", says, source: SOURCE } as const;
    await expectFailure(kms, { credentials: undefined }, expected, "CredentialsProviderError");
  });

  test("credentials that are none", async () => {
    const credentials = {} as { accessKeyId: string; secretAccessKey: string };
    await expectFailure(
      kms,
      { credentials },
      { code: "ACCESS_DENIED", says: ["pass credentials"], source: SOURCE },
      "Error",
    );
  });

  test("a provider that fails", async () => {
    const credentials = () => Promise.reject(Object.assign(new Error("sso expired"), { name: "TokenProviderError" }));
    await expectFailure(
      kms,
      { credentials },
      { code: "ACCESS_DENIED", says: ["sso expired"], source: SOURCE },
      "TokenProviderError",
    );
    const broken = () => Promise.reject(new Error("the vault is sealed"));
    const says = ["an unexpected error", "the vault is sealed"];
    await expectFailure(kms, { credentials: broken }, { code: "BACKEND_UNAVAILABLE", says, source: SOURCE }, "Error");
  });

  test("a provider that throws no Error", async () => {
    const credentials = () => Promise.reject(null);
    await expectFailure(
      kms,
      { credentials },
      { code: "BACKEND_UNAVAILABLE", says: ["see the cause"], source: SOURCE },
      "TypeError",
    );
  });

  test("no Region, and a Region that cannot be one", async () => {
    const expected = { code: "BACKEND_UNAVAILABLE", says: ["pass region"] } as const;
    await expectFailure(kms, { region: undefined }, expected, "Error");
    for (const region of ["", "no region", "eu-west-1\n"]) {
      expect(() => new KmsSigner(kms.options({ region }))).toThrow("region must be the name of a Region");
      expect(() => new KmsKeyStore({ region })).toThrow("region must be the name of a Region");
    }
  });
});

describe("connections, by the platform's code", () => {
  const context = { operation: "signDigest", request: "Sign", resource: "alias/treasury" };
  const of = (error: unknown) => kmsError(error, context, { sent: true, response: undefined }, new CredentialTrail());

  test.each([
    ["ENOTFOUND", "BACKEND_UNAVAILABLE", true],
    ["EAI_AGAIN", "BACKEND_UNAVAILABLE", true],
    ["ECONNREFUSED", "BACKEND_UNAVAILABLE", true],
    ["ECONNRESET", "BACKEND_UNAVAILABLE", true],
    ["EPIPE", "BACKEND_UNAVAILABLE", true],
    ["EHOSTUNREACH", "BACKEND_UNAVAILABLE", true],
    ["ENETUNREACH", "BACKEND_UNAVAILABLE", true],
    ["ETIMEDOUT", "BACKEND_TIMEOUT", true],
    ["EPROTO", "BACKEND_UNAVAILABLE", false],
    ["CERT_HAS_EXPIRED", "BACKEND_UNAVAILABLE", false],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "BACKEND_UNAVAILABLE", false],
    ["SELF_SIGNED_CERT_IN_CHAIN", "BACKEND_UNAVAILABLE", false],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "BACKEND_UNAVAILABLE", false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "BACKEND_UNAVAILABLE", false],
  ])("%s", (code, expected, retryable) => {
    // The SDK renames some of Node's errors: the code counts.
    for (const name of ["Error", "TimeoutError"]) {
      const error = of(Object.assign(new Error("of the platform"), { code, name }));
      expect(error).toMatchObject({ code: expected, retryable });
      expectStripped(error.cause, name);
    }
  });

  test.each(["socket hang up", "read ECONNRESET", "connect ECONNREFUSED 127.0.0.1:1"])(
    "%s, of which the SDK kept the text alone",
    (text) => {
      const error = of(new Error(`AWS SDK error wrapper for Error: ${text}`));
      expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
      expect(error.message).not.toContain("wrapper");
    },
  );
});
