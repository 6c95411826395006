import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import type { RawSignature } from "../../src/core/signature.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { PRIVATE_KEY as AWS_PRIVATE_KEY } from "../aws-kms/support.ts";
import { PRIVATE_KEY } from "../gcp-kms/setup.ts";
import { brokenBodies, endlessBodies, hugeBodies, watched, wrongBodies } from "../hostile/bodies.ts";
import { compactOf, derOf, fitsCompact } from "../hostile/encodings.ts";
import { outcomeOf } from "../hostile/outcome.ts";
import { crc32cOf } from "../servers/gcp-kms/crc32c.ts";
import { hostileSignatures, malformedDer, malformedSec1, malformedSpki } from "../support/hostile/index.ts";
import { quickly, stopTime } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { CLOUDS, type Cloud, type CloudFault, type Fields } from "./clouds.ts";

const DIGEST = getBytes(id("a digest"));
const INVALID = "BACKEND_RESPONSE_INVALID";
const TIMEOUT = 1_500;

type Row = readonly [expected: string, name: string, fields: Fields];

/** How a cloud encodes what it returns, and what is wrong in that encoding alone. */
interface Encoding {
  readonly honest: TestKey;
  readonly signature: (signature: RawSignature) => Fields | undefined;
  readonly signatures: readonly Row[];
  readonly keys: readonly Row[];
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

function ofAws(honest: TestKey): Encoding {
  const right = honest.sign(DIGEST);
  const algorithms = ["ECDSA_SHA_512", "RSASSA_PSS_SHA_256", "", undefined];
  return {
    honest,
    signature: (signature) => ({ Signature: base64(derOf(signature)) }),
    signatures: [
      ...malformedDer(right).map(({ code, name, bytes }): Row => [code, name, { Signature: base64(bytes) }]),
      ...algorithms.map((name): Row => ["accepted", `the algorithm's name ${name}`, { SigningAlgorithm: name }]),
    ],
    keys: malformedSpki(honest.publicKey).map(({ code, name, bytes }) => [code, name, { PublicKey: base64(bytes) }]),
  };
}

function ofAzure(honest: TestKey): Encoding {
  const right = compactOf(honest.sign(DIGEST));
  const values: readonly [string, unknown][] = [
    ["DER", base64url(derOf(honest.sign(DIGEST)))],
    ["the right 64 bytes and one more", base64url(Uint8Array.of(...right, 0))],
    ["the right 64 bytes, the first cut off", base64url(right.slice(1))],
    ["an object", { r: "1", s: "1" }],
    ["an array", [base64url(right)]],
    ["null", null],
    ["1 MB", "A".repeat(1_000_000)],
  ];
  const points = malformedSec1(honest.publicKey).filter(({ bytes }) => bytes.length === 65 && bytes[0] === 4);
  return {
    honest,
    signature: (signature) => (fitsCompact(signature) ? { value: base64url(compactOf(signature)) } : undefined),
    signatures: values.map(([name, value]) => [INVALID, name, { value }]),
    keys: points.map(({ code, name, bytes }): Row => {
      const [x, y] = [bytes.slice(1, 33), bytes.slice(33)].map(base64url);
      return [code, name, { x, y }];
    }),
  };
}

function ofGoogle(honest: TestKey): Encoding {
  const right = derOf(honest.sign(DIGEST));
  const signed = (der: Uint8Array) => ({ signature: base64(der), signatureCrc32c: String(crc32cOf(der)) });
  const values: readonly [string, unknown][] = [
    ["base64 with a blank", `${base64(right).slice(0, 4)} ${base64(right).slice(4)}`],
    ["base64url", base64(right).replace(/^..../, "____")],
    ["base64 without its padding", `${base64(right)}=`],
    ["hex", Buffer.from(right).toString("hex")],
    ["an object", { r: "1", s: "1" }],
    ["an array", [base64(right)]],
    ["a number", 5],
    ["null", null],
    ["1 MB", "A".repeat(1_000_000)],
  ];
  const checksums: readonly [string, unknown][] = [
    ["a negative number", -1],
    ["a text", "many"],
    ["an object", {}],
    ["a wrapper", { value: "5" }],
    ["2^32 more", crc32cOf(right) + 2 ** 32],
  ];
  const published = (spki: Uint8Array) => {
    const pem = `-----BEGIN PUBLIC KEY-----\n${base64(spki)}\n-----END PUBLIC KEY-----\n`;
    return { pem, pemCrc32c: String(crc32cOf(Buffer.from(pem))) };
  };
  return {
    honest,
    signature: (signature) => signed(derOf(signature)),
    signatures: [
      ...malformedDer(honest.sign(DIGEST)).map(({ code, name, bytes }): Row => [code, name, signed(bytes)]),
      ...values.map(([name, signature]): Row => [INVALID, `${name} as the signature`, { signature }]),
      ...checksums.map(([name, signatureCrc32c]): Row => [INVALID, `${name} as the checksum`, { signatureCrc32c }]),
    ],
    keys: [
      ...malformedSpki(honest.publicKey).map(({ code, name, bytes }): Row => [code, name, published(bytes)]),
      [INVALID, "no algorithm", { algorithm: undefined }],
      ["KEY_UNUSABLE", "an algorithm of another number", { algorithm: 12 }],
      [INVALID, "an algorithm that is an object", { algorithm: {} }],
      [INVALID, "no protection level", { protectionLevel: undefined }],
      [INVALID, "a pem that is bytes", { pem: [1, 2] }],
      [INVALID, "a private key's pem", { pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" }],
      [INVALID, "another version's name", { name: "projects/acme/locations/x/keyRings/r/cryptoKeys/k" }],
    ],
  };
}

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  "AWS KMS": ofAws(new TestKey(AWS_PRIVATE_KEY)),
  "Azure Key Vault": ofAzure(new TestKey(PRIVATE_KEY)),
  "Google Cloud KMS": ofGoogle(new TestKey(PRIVATE_KEY)),
};

interface Limits {
  readonly timeout?: number;
  /** So much time passes while the call is under way, every two milliseconds. */
  readonly step?: number;
  /** What must have happened afterwards. */
  readonly ended?: () => boolean;
}

async function sign(signer: RemoteSigner): Promise<string> {
  return recoverAddress(DIGEST, await signer.signDigest(DIGEST));
}

describe.each(CLOUDS)("%s", (name, start) => {
  const { honest, signature, signatures, keys } = ENCODINGS[name] as Encoding;
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await start();
  });

  afterEach(() => cloud.heal());

  afterAll(() => cloud.close());

  stopTime();

  /** One signature with the fault, one without; and no connection stays open that should not. */
  async function expectOutcome(
    fault: CloudFault,
    operation: "sign" | "getKey",
    expected: string,
    { timeout = 30_000, step = 25, ended = () => true }: Limits = {},
  ): Promise<void> {
    const before = cloud.openConnections();
    const signer = cloud.signer({ once: true, expectedAddress: honest.address, timeout });
    cloud.fail(operation, fault);
    expect(await quickly(outcomeOf(sign(signer)), step)).toBe(expected === "accepted" ? honest.address : expected);
    await until(ended);
    cloud.heal();
    expect(await sign(signer)).toBe(honest.address);
    await signer.close();
    await until(() => cloud.openConnections() <= Math.max(before, cloud.idleConnections));
  }

  const forged = hostileSignatures.flatMap(({ expected, name: what, make }): Row[] => {
    const fields = signature(make(DIGEST, honest));
    return fields ? [[expected, what, fields]] : [];
  });

  test.each([...forged, ...signatures])("%s: a signature: %s", async (expected, _name, fields) =>
    expectOutcome({ fields }, "sign", expected),
  );

  test.each(keys)("%s: a public key: %s", async (expected, _name, fields) =>
    expectOutcome({ fields }, "getKey", expected),
  );

  describe.each(["getKey", "sign"] as const)("%s: a body", (operation) => {
    test.each(wrongBodies)("that is %s", async (_name, body) => {
      const type = cloud.backend === "aws-kms" ? "application/x-amz-json-1.1" : "application/json";
      await expectOutcome({ status: 200, headers: { "content-type": type }, body }, operation, INVALID);
    });

    test.each(brokenBodies.map((each) => [each.code, each.name, each.stream] as const))(
      "%s: %s; its connection ends with the call",
      async (code, _name, stream) => {
        const watch = watched(stream);
        await expectOutcome({ stream: watch.stream }, operation, code, { ended: watch.ended });
      },
    );

    test.each(endlessBodies.map((each) => [each.code, each.name, each.stream] as const))(
      "%s: %s; its connection ends with the call",
      async (code, _name, stream) => {
        const watch = watched(stream);
        await expectOutcome({ stream: watch.stream }, operation, code, { timeout: TIMEOUT, ended: watch.ended });
      },
    );

    test.each(hugeBodies.map((each) => [each.code, each.name, each.stream] as const))(
      "%s: %s; long before the call's deadline, and its connection ends",
      async (code, _name, stream) => {
        const watch = watched(stream);
        const limits = { timeout: 600_000, step: 0, ended: watch.ended };
        await expectOutcome({ stream: watch.stream }, operation, code, limits);
      },
    );
  });
});
