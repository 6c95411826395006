import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import type { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { KEY_NAME, PRIVATE_KEY, signerFor, startServer } from "../azure-key-vault/setup.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { hostileSignatures, malformedSec1 } from "../support/hostile/index.ts";
import { hangFor } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { brokenBodies, endlessBodies, hugeBodies, watched, wrongBodies } from "./bodies.ts";
import { compactOf, derOf, fitsCompact } from "./encodings.ts";
import { outcomeOf } from "./outcome.ts";

const honest = new TestKey(PRIVATE_KEY);
const DIGEST = getBytes(id("a digest"));
const TIMEOUT = 1_500;
const INVALID = "BACKEND_RESPONSE_INVALID";

let server: KeyVaultServer;

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => server.faults.clear());

afterAll(async () => {
  await server.close();
});

const base64url = (content: Uint8Array) => Buffer.from(content).toString("base64url");
const json = { "content-type": "application/json" };

async function sign(signer: AzureKeyVaultSigner): Promise<string> {
  return recoverAddress(DIGEST, await signer.signDigest(DIGEST));
}

/** One signature with the fault, one without; and nothing stays open once the signer is closed. */
async function expectOutcome(
  fault: KeyVaultFault,
  operation: string,
  expected: string,
  timeout = 30_000,
  ended = () => true,
): Promise<void> {
  const before = server.openConnections;
  const signer = signerFor(server, { expectedAddress: honest.address, timeout, retryOptions: { maxRetries: 0 } });
  server.faults.add(fault, { operation, times: 1 });
  expect(await outcomeOf(sign(signer))).toBe(expected === "accepted" ? honest.address : expected);
  await until(ended);
  expect(await sign(signer)).toBe(honest.address);
  await signer.close();
  // The SDK's pool may keep one.
  await until(() => server.openConnections <= Math.max(before, 1));
}

describe("the answer to sign", () => {
  const fitting = hostileSignatures.filter(({ make }) => fitsCompact(make(DIGEST, honest)));

  test.each(fitting.map(({ name, expected, make }) => [expected, name, make] as const))(
    "%s: a signature %s",
    async (expected, _name, make) => {
      await expectOutcome({ kind: "value", value: base64url(compactOf(make(DIGEST, honest))) }, "sign", expected);
    },
  );

  test.each<[string, () => unknown]>([
    ["DER", () => base64url(derOf(honest.sign(DIGEST)))],
    ["the right 64 bytes and one more", () => base64url(Uint8Array.of(...compactOf(honest.sign(DIGEST)), 0))],
    ["the right 64 bytes, the first cut off", () => base64url(compactOf(honest.sign(DIGEST)).slice(1))],
    ["an object", () => ({ r: "1", s: "1" })],
    ["an array", () => [base64url(compactOf(honest.sign(DIGEST)))]],
    ["null", () => null],
    ["1 MB", () => "A".repeat(1_000_000)],
  ])("BACKEND_RESPONSE_INVALID: %s", async (_name, make) => {
    await expectOutcome({ kind: "value", value: make() }, "sign", INVALID);
  });
});

describe("the key bundle: a point", () => {
  const points = malformedSec1(honest.publicKey).filter(({ bytes }) => bytes.length === 65 && bytes[0] === 4);

  test.each(points.map((each) => [each.code, each.name, each.bytes] as const))("%s: %s", async (code, _name, point) => {
    const [version] = server.vault.versions(KEY_NAME);
    const bundle = version?.bundle(server.kid(KEY_NAME)) as { key: object };
    const key = { ...bundle.key, x: base64url(point.slice(1, 33)), y: base64url(point.slice(33)) };
    const reply = { status: 200, headers: json, body: JSON.stringify({ ...bundle, key }) };
    await expectOutcome({ kind: "reply", reply }, "getKey", code);
  });
});

describe.each(["getKey", "sign"] as const)("%s: a body", (operation) => {
  test.each(wrongBodies)("that is %s", async (_name, body) => {
    await expectOutcome({ kind: "reply", reply: { status: 200, headers: json, body } }, operation, INVALID);
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
