import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, recoverAddress, Wallet } from "ethers";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { Secp256k1Key } from "../servers/support/secp256k1-key.ts";
import { KEY_NAME, PRIVATE_KEY, signerFor, startServer } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(9);
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

/** A private key whose x, or y, begins with a zero byte: 1 in 256. */
function keyWithShort(coordinate: "x" | "y"): string {
  for (let number = 1; ; number++) {
    const privateKey = number.toString(16).padStart(64, "0");
    if (new Secp256k1Key(privateKey)[coordinate][0] === 0) return privateKey;
  }
}

describe("valid answers", () => {
  test.each(["x", "y"] as const)("a %s shorter than 32 bytes is padded on the left", async (coordinate) => {
    const privateKey = keyWithShort(coordinate);
    server.vault.put(KEY_NAME, { privateKey }).shortCoordinates = true;
    const signer = signerFor(server);
    expect(await signer.getAddress()).toBe(computeAddress(`0x${privateKey}`));
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test.each<[string, Extract<KeyVaultFault, { kind: "sign" }>["shape"]]>([
    ["a high s is normalised", { s: "high" }],
    ["a low s stays", { s: "low" }],
    ["an r with a leading zero byte is an r", { shortR: true }],
  ])("%s", async (_name, shape) => {
    server.faults.add({ kind: "sign", shape: shape ?? {} }, { operation: "sign" });
    const signer = signerFor(server);
    const signature = await signer.signDigest(DIGEST);
    expect(BigInt(signature.s)).toBeLessThanOrEqual(HALF_ORDER);
    expect(recoverAddress(DIGEST, signature)).toBe(address);
    await signer.close();
  });
});

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

describe("answers that are wrong give no signature", () => {
  test.each<[string, () => KeyVaultFault, string]>([
    [
      "the signature of another key under this one's name",
      () => ({ kind: "sign", by: server.vault.put("other") }),
      "SIGNATURE_MISMATCH",
    ],
    [
      "a kid of another key",
      () => ({ kind: "sign", kid: `${server.url}/keys/other/${"0".repeat(32)}` }),
      "KEY_CHANGED",
    ],
    [
      "a kid of another vault",
      () => ({ kind: "sign", kid: server.kid(KEY_NAME).replace("127.0.0.1", "localhost") }),
      "KEY_CHANGED",
    ],
    ["no kid", () => ({ kind: "sign", kid: "" }), "BACKEND_RESPONSE_INVALID"],
    ["a kid without a version", () => ({ kind: "sign", kid: `${server.url}/keys/${KEY_NAME}` }), "KEY_CHANGED"],
    ["63 bytes", () => ({ kind: "value", value: base64url(new Uint8Array(63).fill(1)) }), "BACKEND_RESPONSE_INVALID"],
    ["65 bytes", () => ({ kind: "value", value: base64url(new Uint8Array(65).fill(1)) }), "BACKEND_RESPONSE_INVALID"],
    ["64 zero bytes", () => ({ kind: "value", value: base64url(new Uint8Array(64)) }), "BACKEND_RESPONSE_INVALID"],
    [
      "r and s above n",
      () => ({ kind: "value", value: base64url(new Uint8Array(64).fill(255)) }),
      "BACKEND_RESPONSE_INVALID",
    ],
    [
      "64 bytes of nonsense",
      () => ({ kind: "value", value: base64url(new Uint8Array(64).fill(1)) }),
      "SIGNATURE_MISMATCH",
    ],
    ["no base64url", () => ({ kind: "value", value: "§§§" }), "BACKEND_RESPONSE_INVALID"],
    ["an empty value", () => ({ kind: "value", value: "" }), "BACKEND_RESPONSE_INVALID"],
    ["a number as the value", () => ({ kind: "value", value: 5 }), "BACKEND_RESPONSE_INVALID"],
    ["no value", () => ({ kind: "value", value: undefined }), "BACKEND_RESPONSE_INVALID"],
    [
      "no JSON",
      () => ({ kind: "reply", reply: { status: 200, headers: { "content-type": "application/json" }, body: "{" } }),
      "BACKEND_RESPONSE_INVALID",
    ],
    [
      "a page",
      () => ({ kind: "reply", reply: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" } }),
      "BACKEND_RESPONSE_INVALID",
    ],
    ["an empty answer", () => ({ kind: "reply", reply: { status: 200 } }), "BACKEND_RESPONSE_INVALID"],
    [
      "an answer to another question",
      () => ({ kind: "reply", reply: { status: 202, body: "{}" } }),
      "BACKEND_RESPONSE_INVALID",
    ],
  ])("%s", async (_name, fault, code) => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add(fault(), { operation: "sign", times: 1 });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code, retryable: false, operation: "signDigest" });
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    await signer.close();
  });

  test.each<[string, unknown]>([
    ["no key", {}],
    ["no kid", { key: { kty: "EC", crv: "P-256K" } }],
    ["a kid that is not a URL", { key: { kid: "hot-wallet", kty: "EC" } }],
    ["no version in kid", { key: { kid: "https://x.vault.azure.net/keys/hot-wallet", kty: "EC", crv: "P-256K" } }],
    [
      "no coordinates",
      { key: { kid: `https://x.vault.azure.net/keys/${KEY_NAME}/1`, kty: "EC", crv: "P-256K", key_ops: ["sign"] } },
    ],
    [
      "a point off the curve",
      {
        key: {
          kid: `https://x.vault.azure.net/keys/${KEY_NAME}/1`,
          kty: "EC",
          crv: "P-256K",
          x: "AQ",
          y: "AQ",
          key_ops: ["sign"],
        },
      },
    ],
    ["an array", []],
  ])("a key bundle with %s", async (_name, bundle) => {
    const reply = { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(bundle) };
    server.faults.add({ kind: "reply", reply }, { operation: "getKey", times: 1 });
    const signer = signerFor(server);
    await expect(signer.getAddress()).rejects.toMatchObject({
      code: "BACKEND_RESPONSE_INVALID",
      operation: "getPublicKey",
    });
    expect(await signer.getAddress()).toBe(address);
    await signer.close();
  });
});
