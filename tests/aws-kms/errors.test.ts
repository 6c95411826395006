import { afterAll, afterEach, beforeAll, describe, test } from "@jest/globals";
import type { KmsFault } from "../servers/aws-kms/kms-server.ts";
import { EXPIRED_TOKEN, UNKNOWN_ACCESS_KEY, WRONG_SECRET_ACCESS_KEY } from "../servers/aws-kms/signature-v4.ts";
import { type Expected, expectFailure, SECRET, TOKEN } from "./expect-failure.ts";
import { type Kms, startKms } from "./support.ts";

const ROLE = "arn:aws:sts::111122223333:assumed-role/signing/i-0123456789";
const ARN = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterEach(() => {
  kms.server.faults.clear();
  kms.key.state = "Enabled";
});

afterAll(async () => {
  await kms.server.close();
});

const exception = (name: string, message = "", status = 400): KmsFault => ({
  kind: "exception",
  name,
  message,
  status,
});

/** Every exception of KMS, with AWS's text where the text matters. */
const EXCEPTIONS: readonly (readonly [name: string, message: string, Expected])[] = [
  [
    "NotFoundException",
    `Key '${ARN}' does not exist`,
    { code: "KEY_NOT_FOUND", says: ["check keyId and region", ARN] },
  ],
  [
    "NotFoundException",
    "Invalid arn us-east-1",
    { code: "KEY_NOT_FOUND", says: [/Region/, /\(Invalid arn us-east-1\)/] },
  ],
  ["InvalidArnException", "", { code: "KEY_NOT_FOUND", says: ["correct it"] }],
  ["DisabledException", `${ARN} is disabled.`, { code: "KEY_UNUSABLE", says: ["kms:EnableKey", ARN] }],
  [
    "KMSInvalidStateException",
    `${ARN} is pending deletion.`,
    { code: "KEY_UNUSABLE", says: ["kms:CancelKeyDeletion", "pending deletion"] },
  ],
  [
    "InvalidKeyUsageException",
    "",
    { code: "KEY_UNUSABLE", says: ["KeySpec ECC_SECG_P256K1 and KeyUsage SIGN_VERIFY"] },
  ],
  ["UnsupportedOperationException", "", { code: "KEY_UNUSABLE", says: ["use a key in AWS KMS itself"] }],
  ["IncorrectKeyException", "", { code: "KEY_UNUSABLE", says: ["check keyId"] }],
  [
    "ValidationException",
    "1 validation error detected: Value at 'grantTokens' failed to satisfy constraint",
    { code: "REQUEST_REJECTED", says: ["check keyId and grantTokens", "1 validation error"] },
  ],
  ["InvalidGrantTokenException", "", { code: "ACCESS_DENIED", says: ["create the grant again"] }],
  ["DryRunOperationException", "", { code: "BACKEND_RESPONSE_INVALID", says: ["dry run"] }],
  ["ThrottlingException", "Rate exceeded", { code: "THROTTLED", retryable: true, says: ["quota"], attempts: 3 }],
  ["LimitExceededException", "", { code: "REQUEST_REJECTED", says: ["a resource quota", "have it raised"] }],
  ["TooManyRequestsException", "", { code: "THROTTLED", retryable: true, says: ["quota"] }],
  [
    "UnrecognizedClientException",
    "The token is invalid.",
    { code: "ACCESS_DENIED", says: ["does not know the access key"] },
  ],
  ["ExpiredTokenException", "", { code: "ACCESS_DENIED", says: ["log in again"] }],
  ["RequestExpired", "", { code: "ACCESS_DENIED", says: ["clock"] }],
  ["OptInRequired", "", { code: "ACCESS_DENIED", says: ["enable the Region"] }],
  ["MissingAuthenticationTokenException", "", { code: "ACCESS_DENIED", says: ["pass credentials"] }],
  [
    "IncompleteSignatureException",
    `Authorization header requires 'Signature'. Authorization=AWS4-HMAC-SHA256 Signature=00`,
    { code: "ACCESS_DENIED", says: ["secret access key", "requires 'Signature'"] },
  ],
  [
    "AccessDeniedException",
    `User: ${ROLE} is not authorized to perform: kms:Sign on resource: ${ARN} because no identity-based policy allows the kms:Sign action`,
    { code: "ACCESS_DENIED", says: [`grant ${ROLE} kms:Sign on ${ARN}`, "because no identity-based policy"] },
  ],
  [
    "AccessDeniedException",
    `User: ${ROLE} is not authorized to perform: kms:Sign on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    {
      code: "ACCESS_DENIED",
      says: [`grant ${ROLE} kms:Sign on arn:aws:kms:eu-west-1`, "once keyId and region are known"],
    },
  ],
  [
    "AccessDeniedException",
    `User: ${ROLE} is not authorized to perform: kms:Sign on resource: ${ARN} with an explicit deny in a service control policy`,
    {
      code: "ACCESS_DENIED",
      says: [`a service control policy denies ${ROLE} kms:Sign on ${ARN}`, "have that statement changed"],
    },
  ],
  ...(
    [
      ["no VPC endpoint policy allows the kms:Sign action", /the policy of the VPC endpoint/],
      ["no permissions boundary allows the kms:Sign action", /the permissions boundary of the identity/],
      ["no session policy allows the kms:Sign action", /the session policy/],
      ["no service control policy allows the kms:Sign action", /service control policies/],
      ["no resource control policy allows the kms:Sign action", /resource control policies/],
      ["no resource-based policy allows the kms:Sign action", /in the key policy: a key of another account/],
      ["no identity-based policy allows the kms:Sign action", /in an IAM policy of the identity/],
    ] as const
  ).map(([reason, hint]) => {
    const message = `User: ${ROLE} is not authorized to perform: kms:Sign on resource: ${ARN} because ${reason}`;
    return [
      "AccessDeniedException",
      message,
      { code: "ACCESS_DENIED", says: [`grant ${ROLE} kms:Sign`, hint] },
    ] as const;
  }),
  [
    "AccessDeniedException",
    "",
    { code: "ACCESS_DENIED", says: ["grant the caller kms:Sign on arn:aws:kms:eu-west-1"] },
  ],
  ["SomethingNewException", "a new rule", { code: "REQUEST_REJECTED", says: ["refused the request", "a new rule"] }],
];

describe("exceptions of KMS", () => {
  test.each(EXCEPTIONS)("%s %s", async (name, message, expected) => {
    kms.server.faults.add(exception(name, message), { operation: "Sign" });
    await expectFailure(kms, {}, expected, name);
  });

  test.each([
    "KeyUnavailableException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "InternalFailure",
    "ServiceUnavailableException",
  ])("%s, a failure of the service", async (name) => {
    kms.server.faults.add(exception(name, "", 500), { operation: "Sign" });
    const expected = { code: "BACKEND_UNAVAILABLE", retryable: true, says: ["try again"], attempts: 3 } as const;
    await expectFailure(kms, {}, expected, name);
  });

  test("GetPublicKey names its own permission", async () => {
    const text = `User: ${ROLE} is not authorized to perform: kms:GetPublicKey on resource: ${ARN} because no reason`;
    kms.server.faults.add(exception("AccessDeniedException", text));
    const says = [`grant ${ROLE} kms:GetPublicKey on ${ARN}`];
    await expectFailure(kms, {}, { code: "ACCESS_DENIED", says }, "AccessDeniedException");
  });
});

describe("the server's own", () => {
  test.each([
    ["Disabled", "DisabledException", "is disabled"],
    ["PendingDeletion", "KMSInvalidStateException", "is pending deletion"],
    ["PendingImport", "KMSInvalidStateException", "is pending import"],
  ] as const)("a key that is %s", async (state, name, text) => {
    kms.key.state = state;
    await expectFailure(kms, {}, { code: "KEY_UNUSABLE", says: [`${kms.key.arn} ${text}`] }, name);
  });

  test("a key, an alias and a Region that are not there", async () => {
    const expected = { code: "KEY_NOT_FOUND", says: ["there is no such key or alias"] } as const;
    await expectFailure(kms, { keyId: "0000" }, expected, "NotFoundException");
    await expectFailure(kms, { keyId: "alias/missing" }, expected, "NotFoundException");
    await expectFailure(kms, { keyId: kms.key.arn.replace("eu-west-1", "us-east-1") }, expected, "NotFoundException");
  });

  test.each([
    ["an unknown access key", { accessKeyId: UNKNOWN_ACCESS_KEY }, "UnrecognizedClientException", "access key"],
    ["an expired token", { sessionToken: EXPIRED_TOKEN }, "ExpiredTokenException", "log in again"],
    ["a wrong secret", { accessKeyId: WRONG_SECRET_ACCESS_KEY }, "InvalidSignatureException", "secret access key"],
  ])("%s", async (_name, own, name, text) => {
    const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: SECRET, sessionToken: TOKEN, ...own };
    await expectFailure(kms, { credentials }, { code: "ACCESS_DENIED", says: [text] }, name);
  });

  test("another Region than the endpoint's", async () => {
    const expected = { code: "ACCESS_DENIED", says: ["the Region", "scoped to a valid region"] } as const;
    await expectFailure(kms, { region: "us-east-1" }, expected, "InvalidSignatureException");
  });
});
