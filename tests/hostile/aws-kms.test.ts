import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { DIGEST, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import type { KmsFault } from "../servers/aws-kms/kms-server.ts";
import { hostileSignatures, malformedDer, malformedSpki } from "../support/hostile/index.ts";
import { hangFor } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { brokenBodies, endlessBodies, hugeBodies, watched, wrongBodies } from "./bodies.ts";
import { derOf } from "./encodings.ts";
import { outcomeOf } from "./outcome.ts";

const honest = new TestKey(PRIVATE_KEY);
const bytes = getBytes(DIGEST);
const TIMEOUT = 1_500;
const operations = ["GetPublicKey", "Sign"] as const;

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterEach(() => kms.server.faults.clear());

afterAll(async () => {
  await kms.server.close();
});

const base64 = (content: Uint8Array) => Buffer.from(content).toString("base64");

function answering(field: string, value: unknown): KmsFault {
  return { kind: "alter", alter: (answer) => ({ ...answer, [field]: value }) };
}

async function sign(signer: KmsSigner): Promise<string> {
  return recoverAddress(DIGEST, await signer.signDigest(DIGEST));
}

/** One signature with the fault, one without; and nothing stays open once the signer is closed. */
async function expectOutcome(
  fault: KmsFault,
  operation: string,
  expected: string,
  timeout = 30_000,
  ended = () => true,
): Promise<void> {
  const before = kms.server.openConnections;
  const signer = new KmsSigner({ ...kms.options({ maxAttempts: 1 }), expectedAddress: honest.address, timeout });
  kms.server.faults.add(fault, { operation, times: 1 });
  expect(await outcomeOf(sign(signer))).toBe(expected === "accepted" ? honest.address : expected);
  await until(ended);
  expect(await sign(signer)).toBe(honest.address);
  await signer.close();
  await until(() => kms.server.openConnections <= before);
}

describe("Sign's answer", () => {
  test.each(hostileSignatures.map(({ name, expected, make }) => [expected, name, make] as const))(
    "%s: a signature %s",
    async (expected, _name, make) => {
      await expectOutcome(answering("Signature", base64(derOf(make(bytes, honest)))), "Sign", expected);
    },
  );

  test.each(malformedDer(honest.sign(bytes)).map((each) => [each.code, each.name, each.bytes] as const))(
    "%s: %s",
    async (code, _name, der) => expectOutcome(answering("Signature", base64(der)), "Sign", code),
  );

  test("the right signature with the wrong algorithm's name is the right signature", async () => {
    for (const name of ["ECDSA_SHA_512", "RSASSA_PSS_SHA_256", "", undefined]) {
      await expectOutcome(answering("SigningAlgorithm", name), "Sign", "accepted");
    }
  });
});

test.each(malformedSpki(honest.publicKey).map((each) => [each.code, each.name, each.bytes] as const))(
  "GetPublicKey's answer: %s: %s",
  async (code, _name, spki) => expectOutcome(answering("PublicKey", base64(spki)), "GetPublicKey", code),
);

describe.each(operations)("%s: a body", (operation) => {
  test.each(wrongBodies)("that is %s", async (_name, body) => {
    const headers = { "content-type": "application/x-amz-json-1.1" };
    const reply = { status: 200, headers, body };
    await expectOutcome({ kind: "reply", reply }, operation, "BACKEND_RESPONSE_INVALID");
  });

  test.each(brokenBodies.map((each) => [each.code, each.name, each.stream] as const))(
    "%s: %s; its connection ends with the call",
    async (code, _name, stream) => {
      const watch = watched(stream);
      await expectOutcome({ kind: "stream", stream: watch.stream }, operation, code, undefined, watch.ended);
    },
  );

  test.each(endlessBodies.map((each) => [each.code, each.name, each.stream] as const))(
    "%s: %s; its connection ends with the call",
    async (code, _name, stream) => {
      const watch = watched(stream);
      await hangFor(TIMEOUT, watch.begun, () =>
        expectOutcome({ kind: "stream", stream: watch.stream }, operation, code, TIMEOUT, watch.ended),
      );
    },
  );

  test.each(hugeBodies.map((each) => [each.code, each.name, each.stream] as const))(
    "%s: %s; long before the call's deadline, and its connection ends",
    async (code, _name, stream) => {
      const watch = watched(stream);
      await expectOutcome({ kind: "stream", stream: watch.stream }, operation, code, 600_000, watch.ended);
    },
  );
});
