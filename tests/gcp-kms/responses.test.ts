import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import { crc32c } from "../../src/gcp-kms/crc32c.ts";
import { crc32cOf } from "../servers/gcp-kms/crc32c.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { KEY, PRIVATE_KEY, signerFor, startServer, TRANSPORTS, VERSION, wayTo } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(9);
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const USE_TO_SIGN = "cloudkms.cryptoKeyVersions.useToSign";
const INVALID = "BACKEND_RESPONSE_INVALID";

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startServer({ grpc: true });
});
beforeEach(() => {
  server.faults.clear();
  server.log.length = 0;
  server.rings.version(VERSION).state = "ENABLED";
});
afterAll(async () => {
  await server.close();
});

test.each([
  ["123456789", 0xe3069283],
  ["", 0],
  ["\0".repeat(32), 0x8a9136aa],
])("CRC-32C of %j", (text, expected) => {
  const bytes = new TextEncoder().encode(text);
  expect(crc32c(bytes)).toBe(expected);
  expect(crc32cOf(bytes)).toBe(expected);
});

describe.each(TRANSPORTS)("by %s", (transport) => {
  const signer = () => signerFor(server, wayTo(server, transport));

  test.each([{ s: "high" }, { s: "low" }, { shortR: true }] as const)(
    "a signature of the shape %j is one",
    async (shape) => {
      server.faults.add({ kind: "sign", change: { shape } }, { operation: "asymmetricSign" });
      const signature = await signer().signDigest(DIGEST);
      expect(BigInt(signature.s)).toBeLessThanOrEqual(HALF_ORDER);
      expect(recoverAddress(DIGEST, signature)).toBe(address);
    },
  );

  test("what is sent: the version, the digest, its checksum", async () => {
    await signer().signDigest(DIGEST);
    expect(server.log.find(({ rpc }) => rpc === "asymmetricSign")?.request).toEqual({
      name: VERSION,
      digest: { sha256: Buffer.from(DIGEST).toString("base64") },
      digestCrc32c: String(crc32cOf(DIGEST)),
    });
  });

  test.each<[string, () => GcpKmsFault, string]>([
    [
      "another key's signature",
      () => sign({ by: server.rings.addVersion(server.rings.key(KEY)) }),
      "SIGNATURE_MISMATCH",
    ],
    ["another name", () => sign({ fields: { name: `${KEY}/cryptoKeyVersions/2` } }), INVALID],
    ["no name", () => sign({ fields: { name: "" } }), INVALID],
    ["an unverified digest", () => sign({ fields: { verifiedDigestCrc32c: false } }), INVALID],
    ["another checksum", () => sign({ fields: { signatureCrc32c: "5" } }), INVALID],
    ["no checksum", () => sign({ fields: { signatureCrc32c: undefined } }), INVALID],
    ["no signature", () => sign({ fields: { signature: "", signatureCrc32c: "0" } }), INVALID],
    ["63 bytes of nothing", () => sign({ der: new Uint8Array(63) }), INVALID],
  ])("%s gives no signature", async (_name, fault, code) => {
    const each = signer();
    await each.getAddress();
    server.faults.add(fault(), { operation: "asymmetricSign" });
    await expect(each.signDigest(DIGEST)).rejects.toMatchObject({ code, operation: "signDigest", keyId: VERSION });
    server.faults.clear();
    expect(recoverAddress(DIGEST, await each.signDigest(DIGEST))).toBe(address);
  });

  test("what was damaged on the way is requested again, a few times", async () => {
    const each = signer();
    await each.getAddress();
    server.faults.add(sign({ fields: { verifiedDigestCrc32c: false } }), { operation: "asymmetricSign", times: 1 });
    server.faults.add(sign({ fields: { signatureCrc32c: "5" } }), { operation: "asymmetricSign", times: 1 });
    expect(recoverAddress(DIGEST, await each.signDigest(DIGEST))).toBe(address);
    expect(server.count("asymmetricSign")).toBe(3);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["a P-256 algorithm", { algorithm: "EC_SIGN_P256_SHA256" }, "KEY_UNUSABLE"],
    ["a key in software", { protectionLevel: "SOFTWARE" }, "KEY_UNUSABLE"],
    ["an external key", { protectionLevel: "EXTERNAL" }, "KEY_UNUSABLE"],
    ["another name", { name: `${KEY}/cryptoKeyVersions/2` }, INVALID],
    ["a pem without its last line", { pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n" }, INVALID],
    ["another checksum", { pemCrc32c: "5" }, INVALID],
  ])("a public key with %s is refused", async (_name, fields, code) => {
    server.faults.add({ kind: "fields", fields }, { operation: "getPublicKey" });
    await expect(signer().getAddress()).rejects.toMatchObject({ code, operation: "getPublicKey", keyId: VERSION });
  });

  test.each(["DISABLED", "DESTROY_SCHEDULED", "PENDING_IMPORT"] as const)(
    "a version that is %s is KEY_UNUSABLE",
    async (state) => {
      server.rings.version(VERSION).state = state;
      await expect(signer().getAddress()).rejects.toMatchObject({
        code: "KEY_UNUSABLE",
        message: expect.stringContaining(state),
      });
    },
  );

  test("health: ready, without the permission, and disabled; nothing is signed", async () => {
    const each = signer();
    expect(await each.health()).toMatchObject({ ready: true });
    server.permissions.delete(USE_TO_SIGN);
    expect(await each.health()).toMatchObject({
      ready: false,
      error: {
        code: "ACCESS_DENIED",
        message: expect.stringContaining(`cloudkms.cryptoKeyVersions.useToSign on ${KEY} `),
      },
    });
    server.permissions.add(USE_TO_SIGN);
    server.rings.version(VERSION).state = "DISABLED";
    expect(await each.health()).toMatchObject({ ready: false, error: { code: "KEY_UNUSABLE" } });
    expect(server.count("asymmetricSign")).toBe(0);
  });

  test("another key under the version's name is KEY_CHANGED", async () => {
    const each = signer();
    await each.verifyKey();
    server.rings.keys.delete(KEY);
    server.rings.add(KEY);
    await expect(each.verifyKey()).rejects.toMatchObject({ code: "KEY_CHANGED", info: { previous: { address } } });
    server.rings.keys.delete(KEY);
    server.rings.add(KEY, { privateKey: PRIVATE_KEY });
  });
});

const sign = (change: Extract<GcpKmsFault, { kind: "sign" }>["change"]): GcpKmsFault => ({ kind: "sign", change });

test.each([
  ["\r\n", (pem: string) => pem.replaceAll("\n", "\r\n")],
  ["no line break at the end", (pem: string) => pem.trimEnd()],
  ["one line", (pem: string) => pem.replaceAll(/(?<!-)\n(?!-)/g, "")],
])("a pem with %s is read", async (_name, change) => {
  const first = signerFor(server);
  await first.getAddress();
  const pem = change(`${await pemOfServer()}`);
  server.faults.add({ kind: "fields", fields: { pem, pemCrc32c: String(crc32cOf(Buffer.from(pem))) } });
  expect(await signerFor(server).getAddress()).toBe(address);
});

async function pemOfServer(): Promise<string> {
  return String((await server.perform("getPublicKey", { name: VERSION }, undefined))["pem"]);
}
