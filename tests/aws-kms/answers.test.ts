import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { DIGEST, type Kms, rejectionOf, startKms } from "./support.ts";

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterEach(() => kms.server.faults.clear());

afterAll(async () => {
  await kms.server.close();
});

const base64 = (bytes: Uint8Array | number[]): string => Buffer.from(bytes).toString("base64");
const bytesOf = (value: unknown): Buffer => Buffer.from(String(value), "base64");

/** Every way in which Sign's answer can be no signature, made from a right one where it can. */
const SIGNATURES: readonly (readonly [string, (right: Buffer) => unknown])[] = [
  ["missing", () => undefined],
  ["null", () => null],
  ["empty", () => ""],
  ["one byte", () => base64([0x30])],
  ["not base64", () => "?!"],
  ["a number", () => 7],
  ["cut short", (right) => base64(right.subarray(0, -1))],
  ["followed by a byte", (right) => base64([...right, 0])],
  ["of another tag", (right) => base64([0x31, ...right.subarray(1)])],
  ["of a long-form length", (right) => base64([0x30, 0x81, ...right.subarray(1)])],
  ["of a wrong outer length", (right) => base64([0x30, (right[1] ?? 0) + 1, ...right.subarray(2)])],
  ["r‖s without DER", () => base64(new Uint8Array(64).fill(1))],
  ["with r = 0", () => base64([0x30, 6, 2, 1, 0, 2, 1, 1])],
  ["with s = 0", () => base64([0x30, 6, 2, 1, 1, 2, 1, 0])],
  ["with a negative r", () => base64([0x30, 6, 2, 1, 0x80, 2, 1, 1])],
  ["with a padded r", () => base64([0x30, 7, 2, 2, 0, 1, 2, 1, 1])],
  ["with three integers", () => base64([0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1])],
  ["with r above n", () => base64([0x30, 0x26, 2, 0x21, 0, ...new Uint8Array(32).fill(0xff), 2, 1, 1])],
  ["of 5,000 bytes", () => base64(new Uint8Array(5000).fill(0x30))],
];

test.each(SIGNATURES)("a signature that is %s", async (_name, make) => {
  const signer = new KmsSigner(kms.options());
  kms.server.faults.add(
    { kind: "alter", alter: (answer) => ({ ...answer, Signature: make(bytesOf(answer["Signature"])) }) },
    { operation: "Sign" },
  );
  const error = await rejectionOf(signer.signDigest(DIGEST));
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", backend: "aws-kms", retryable: false });
  await signer.close();
});

const PUBLIC_KEYS: readonly (readonly [string, (right: Buffer) => unknown])[] = [
  ["missing", () => undefined],
  ["null", () => null],
  ["empty", () => ""],
  ["cut short", (right) => base64(right.subarray(0, -1))],
  ["followed by a byte", (right) => base64([...right, 0])],
  ["a point without SPKI", (right) => base64(right.subarray(-65))],
  ["a point off the curve", (right) => base64([...right.subarray(0, -1), (right.at(-1) ?? 0) ^ 1])],
];

test.each(PUBLIC_KEYS)("a public key that is %s", async (_name, make) => {
  const signer = new KmsSigner(kms.options());
  kms.server.faults.add({
    kind: "alter",
    alter: (answer) => ({ ...answer, PublicKey: make(bytesOf(answer["PublicKey"])) }),
  });
  const error = await rejectionOf(signer.signDigest(DIGEST));
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", backend: "aws-kms", retryable: false });
  await signer.close();
});

test("a public key of another curve that KMS calls secp256k1", async () => {
  const signer = new KmsSigner(kms.options());
  const p256 = kms.server.ring.createKey("ECC_NIST_P256").spki ?? new Uint8Array();
  kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, PublicKey: base64(p256) }) });
  expect(await rejectionOf(signer.getAddress())).toMatchObject({ code: "KEY_UNUSABLE", requestId: expect.any(String) });
  await signer.close();
});

test("an answer without a body", async () => {
  const signer = new KmsSigner(kms.options());
  kms.server.faults.add({ kind: "alter", alter: () => ({}) });
  expect(await rejectionOf(signer.getAddress())).toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
  await signer.close();
});
