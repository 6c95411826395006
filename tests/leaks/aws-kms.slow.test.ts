import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { type KmsKeyOptions, KmsKeyStore, KmsSigner } from "../../src/aws-kms/index.ts";
import { type Kms, startKms } from "../aws-kms/support.ts";
import type { KmsFault } from "../servers/aws-kms/kms-server.ts";
import { everyOutcome, expectNoLeak } from "./outcomes.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { Recorder } from "./recorder.ts";

const IMPORTED = id("an account that moves into KMS");
const secrets: readonly Planted[] = [
  { name: "secretAccessKey", value: "planted/secret+access=key" },
  { name: "sessionToken", value: "planted-session-token//==" },
  { name: "grantToken", value: "planted-grant-token" },
  { name: "endpoint's password", value: "planted-endpoint-password" },
  { name: "imported private key", value: IMPORTED },
];
const credentials = {
  accessKeyId: "AKIATESTTESTTESTTEST",
  secretAccessKey: "planted/secret+access=key",
  sessionToken: "planted-session-token//==",
};

let kms: Kms;
let recorder: Recorder;

beforeAll(async () => {
  kms = await startKms();
  recorder = new Recorder();
});

afterEach(() => kms.server.faults.clear());

afterAll(async () => {
  recorder.stop();
  await kms.server.close();
  expect(leaksIn(recorder.text, secrets)).toEqual([]);
});

/** The SDK's own logger, at its most talkative. */
const logger = () => {
  const { say } = recorder;
  return { trace: say, debug: say, info: say, warn: say, error: say };
};

function options(more: Partial<KmsKeyOptions> = {}) {
  const grantTokens = ["planted-grant-token"];
  return { ...kms.options({ credentials, maxAttempts: 1, logger: logger(), grantTokens, ...more }), timeout: 1_500 };
}

const echo =
  "Authorization=AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/x, x-amz-security-token:planted-session-token//==";

const failures: readonly (readonly [string, KmsFault | undefined, Partial<KmsKeyOptions>])[] = [
  ["success", undefined, {}],
  ["access denied", { kind: "exception", name: "AccessDeniedException", message: "no" }, {}],
  [
    "a refused signature that repeats the headers",
    { kind: "exception", name: "InvalidSignatureException", message: echo },
    {},
  ],
  ["throttled", { kind: "throttle" }, {}],
  ["a timeout", { kind: "hang" }, {}],
  ["a broken connection", { kind: "reset" }, {}],
  ["no JSON", { kind: "reply", reply: { status: 200, body: "<html>" } }, {}],
  ["the request in the answer", { kind: "reply", reply: { status: 400, body: JSON.stringify({ message: echo }) } }, {}],
  ["another key's signature", { kind: "wrong key" }, {}],
  ["a refused connection", undefined, { endpoint: "http://user:planted-endpoint-password@127.0.0.1:9" }],
  ["a wrong endpoint", undefined, { endpoint: "http://user:planted-endpoint-password@" }],
];

test.each(failures)("signing: %s", async (_name, fault, more) => {
  if (fault) kms.server.faults.add(fault);
  const outcomes: unknown[] = [];
  try {
    const signer = new KmsSigner(options(more));
    outcomes.push(...(await everyOutcome(signer)));
    await signer.close();
  } catch (error) {
    outcomes.push(error);
  }
  expect(outcomes).not.toEqual([]);
  expectNoLeak(outcomes, secrets);
});

describe("importing a key", () => {
  const steps = [
    "CreateKey",
    "GetParametersForImport",
    "ImportKeyMaterial",
    "GetPublicKey",
    "Sign",
    undefined,
  ] as const;

  test.each(steps.map((step) => [step]))("that fails at %s", async (operation) => {
    const { keyId: _key, grantTokens: _grants, ...rest } = options();
    const store = new KmsKeyStore(rest);
    if (operation) kms.server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation });
    const outcome = await store.importKey(IMPORTED).catch((error: unknown) => error);
    expectNoLeak([store, outcome, await store.health()], secrets);
    await store.close();
  });

  test.each([
    ["text", `${IMPORTED}ff`],
    ["another address", IMPORTED],
  ])("that is refused for %s", async (_name, value) => {
    const { keyId: _key, grantTokens: _grants, ...rest } = options();
    const expectedAddress = "0x000000000000000000000000000000000000dEaD";
    const error = await new KmsKeyStore(rest).importKey(value, { expectedAddress }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Error);
    expectNoLeak([error], secrets);
  });
});
