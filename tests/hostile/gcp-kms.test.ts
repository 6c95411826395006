import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import type { GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import { PRIVATE_KEY, quickly, signerFor, startServer, VERSION } from "../gcp-kms/setup.ts";
import { crc32cOf } from "../servers/gcp-kms/crc32c.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { Rpc } from "../servers/gcp-kms/operations.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { hostileSignatures, malformedDer, malformedSpki } from "../support/hostile/index.ts";
import { hangFor, stopTime } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { brokenBodies, endlessBodies, hugeBodies, watched, wrongBodies } from "./bodies.ts";
import { derOf } from "./encodings.ts";
import { outcomeOf } from "./outcome.ts";

const honest = new TestKey(PRIVATE_KEY);
const DIGEST = getBytes(id("a digest"));
const INVALID = "BACKEND_RESPONSE_INVALID";

let server: GcpKmsServer;

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => server.faults.clear());

afterAll(async () => {
  await server.close();
});

const json = { "content-type": "application/json" };
const replied = (body: string): GcpKmsFault => ({ kind: "reply", reply: { status: 200, headers: json, body } });

async function sign(signer: GcpKmsSigner): Promise<string> {
  return recoverAddress(DIGEST, await signer.signDigest(DIGEST));
}

/** One signature with the fault, one without. */
async function expectOutcome(fault: GcpKmsFault, rpc: Rpc, expected: string, timeout = 30_000): Promise<void> {
  const signer = signerFor(server, { expectedAddress: honest.address, timeout });
  server.faults.add(fault, { operation: rpc });
  expect(await outcomeOf(sign(signer))).toBe(expected === "accepted" ? honest.address : expected);
  server.faults.clear();
  expect(await sign(signer)).toBe(honest.address);
  await signer.close();
}

describe("the response to asymmetricSign", () => {
  test.each(hostileSignatures.map(({ name, expected, make }) => [expected, name, make] as const))(
    "%s: a signature %s",
    async (expected, _name, make) => {
      await expectOutcome({ kind: "sign", change: { der: derOf(make(DIGEST, honest)) } }, "asymmetricSign", expected);
    },
  );

  test.each(malformedDer(honest.sign(DIGEST)).map((each) => [each.code, each.name, each.bytes] as const))(
    "%s: DER with %s",
    async (code, _name, der) => {
      await expectOutcome({ kind: "sign", change: { der } }, "asymmetricSign", code);
    },
  );

  const signature = Buffer.from(derOf(honest.sign(DIGEST))).toString("base64");
  test.each<[string, unknown]>([
    ["base64 with a blank", `${signature.slice(0, 4)} ${signature.slice(4)}`],
    ["base64url", signature.replace(/^..../, "____")],
    ["base64 without its padding", `${signature}=`],
    ["hex", Buffer.from(derOf(honest.sign(DIGEST))).toString("hex")],
    ["an object", { r: "1", s: "1" }],
    ["an array", [signature]],
    ["a number", 5],
    ["null", null],
    ["1 MB", "A".repeat(1_000_000)],
  ])("BACKEND_RESPONSE_INVALID: %s in the place of the signature", async (_name, value) => {
    await expectOutcome({ kind: "sign", change: { fields: { signature: value } } }, "asymmetricSign", INVALID);
  });

  test.each<[string, unknown]>([
    ["a negative number", -1],
    ["a text", "many"],
    ["an object", {}],
    ["a wrapper", { value: "5" }],
    ["2^32 more", crc32cOf(derOf(honest.sign(DIGEST))) + 2 ** 32],
  ])("BACKEND_RESPONSE_INVALID: %s in the place of the checksum", async (_name, value) => {
    await expectOutcome({ kind: "sign", change: { fields: { signatureCrc32c: value } } }, "asymmetricSign", INVALID);
  });
});

describe("the response to getPublicKey", () => {
  test.each(malformedSpki(honest.publicKey).map((each) => [each.code, each.name, each.bytes] as const))(
    "%s: %s",
    async (code, _name, spki) => {
      const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString("base64")}\n-----END PUBLIC KEY-----\n`;
      const fields = { pem, pemCrc32c: String(crc32cOf(Buffer.from(pem))) };
      await expectOutcome({ kind: "fields", fields }, "getPublicKey", code);
    },
  );

  test.each<[string, Record<string, unknown>, string]>([
    ["no algorithm", { algorithm: undefined }, INVALID],
    ["an algorithm of another number", { algorithm: 12 }, "KEY_UNUSABLE"],
    ["an algorithm that is an object", { algorithm: {} }, INVALID],
    ["no protection level", { protectionLevel: undefined }, INVALID],
    ["a pem that is bytes", { pem: [1, 2] }, INVALID],
    ["a private key's pem", { pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" }, INVALID],
  ])("%s", async (_name, fields, code) => {
    await expectOutcome({ kind: "fields", fields }, "getPublicKey", code);
  });
});

describe.each(["getPublicKey", "asymmetricSign"] as const)("%s: a body", (rpc) => {
  stopTime();

  test.each(wrongBodies)("that is %s", async (_name, body) => {
    await expectOutcome(replied(body), rpc, INVALID);
  });

  test("of another key", async () => {
    await expectOutcome(replied(JSON.stringify({ name: `${VERSION}0` })), rpc, INVALID);
  });

  test.each(brokenBodies.map((each) => [each.code, each.name, each.stream] as const))(
    "%s: %s",
    async (code, _name, stream) => {
      const signer = signerFor(server);
      server.faults.add({ kind: "stream", stream }, { operation: rpc });
      expect(await quickly(outcomeOf(sign(signer)))).toBe(code);
      server.faults.clear();
      expect(await sign(signer)).toBe(honest.address);
    },
  );

  test.each(endlessBodies.map((each) => [each.code, each.name, each.stream] as const))(
    "%s: %s",
    async (code, _name, stream) => {
      const signer = signerFor(server);
      const before = server.count(rpc);
      server.faults.add({ kind: "stream", stream }, { operation: rpc });
      expect(
        await hangFor(
          60_000,
          () => server.count(rpc) > before,
          () => outcomeOf(sign(signer)),
        ),
      ).toBe(code);
      server.faults.clear();
      expect(await sign(signer)).toBe(honest.address);
    },
  );

  test.each(hugeBodies.map((each) => [each.name, each.stream] as const))(
    "%s: long before the deadline, and its connection ends",
    async (_name, stream) => {
      const watch = watched(stream);
      const signer = signerFor(server, { timeout: 600_000 });
      server.faults.add({ kind: "stream", stream: watch.stream }, { operation: rpc, times: 1 });
      expect(await outcomeOf(sign(signer))).toBe(INVALID);
      await until(watch.ended);
    },
  );
});
