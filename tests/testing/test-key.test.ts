import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { computeAddress, getBytes, hexlify, id, recoverAddress, SigningKey, toBeHex } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import { verifySignature } from "../../src/core/verify.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { signerError } from "../signer/rejection.ts";
import { beyondOrder, HostileKey, hostileAnswers } from "../support/hostile/index.ts";

const PRIVATE_KEY = id("a test key");
const ORDER = secp256k1.Point.Fn.ORDER;

describe("TestKey", () => {
  test("is the account of its private key, from hex and from bytes", async () => {
    for (const key of [new TestKey(PRIVATE_KEY), new TestKey(getBytes(PRIVATE_KEY))]) {
      expect(key.address).toBe(computeAddress(PRIVATE_KEY));
      expect(key.privateKey).toBe(PRIVATE_KEY);
      expect(hexlify(await key.getPublicKey())).toBe(new SigningKey(PRIVATE_KEY).publicKey);
    }
  });

  test("signs with another nonce each time, with high and with low s", () => {
    const key = new TestKey(PRIVATE_KEY);
    const signatures = Array.from({ length: 64 }, () => key.sign(getBytes(id("x"))));
    expect(new Set(signatures.map(({ r }) => r)).size).toBe(64);
    expect(new Set(signatures.map(({ s }) => s > ORDER / 2n))).toEqual(new Set([true, false]));
  });

  test("keeps bytes of its own, and shows them to no log", async () => {
    const secret = getBytes(PRIVATE_KEY);
    const key = new TestKey(secret);
    secret.fill(0);
    expect(key.address).toBe(computeAddress(PRIVATE_KEY));
    expect(`${inspect(key, { showHidden: true })}${JSON.stringify(key)}`).not.toContain(PRIVATE_KEY.slice(2));
  });

  test.each([
    ["zero", toBeHex(0, 32)],
    ["n", toBeHex(ORDER, 32)],
    ["31 bytes", "0x".padEnd(64, "1")],
    ["no hex", "secret"],
  ])("%s is no private key, and the error does not show it", (_name, value) => {
    expect(() => new TestKey(value)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    if (value.length === 66) expect(() => new TestKey(value)).toThrow(/^(?!.*0x)/s);
  });
});

describe("HostileKey", () => {
  test("is honest until it is turned, and again once it recovers; it counts its calls", async () => {
    const key = new HostileKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    expect(recoverAddress(id("x"), await signer.signDigest(id("x")))).toBe(key.address);
    key.turn({ signDigest: () => null });
    await signerError(signer.signDigest(id("x")), "BACKEND_RESPONSE_INVALID");
    key.recover();
    expect(recoverAddress(id("x"), await signer.signDigest(id("x")))).toBe(key.address);
    expect(key.calls).toEqual({ getPublicKey: 1, signDigest: 3 });
    await signer.close();
    await expect(key.getPublicKey()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });
});

test("every hostile answer has a name of its own", () => {
  expect(new Set(hostileAnswers.map(({ call, name }) => `${call} ${name}`)).size).toBe(hostileAnswers.length);
});

test("beyondOrder is valid by ECDSA, and has a recovery id that Ethereum lacks", () => {
  for (const digest of [id("x"), toBeHex(0, 32), toBeHex(ORDER, 32), toBeHex(2n ** 256n - 1n, 32)]) {
    const { publicKey, signature } = beyondOrder(digest);
    const bytes = new secp256k1.Signature(signature.r, signature.s).toBytes("compact");
    expect(secp256k1.verify(bytes, getBytes(digest), publicKey, { prehash: false, lowS: false })).toBe(true);
    const keys = [2, 3].map((recovery) => {
      return new secp256k1.Signature(signature.r, signature.s, recovery)
        .recoverPublicKey(getBytes(digest))
        .toBytes(false);
    });
    expect(keys.map(hexlify)).toContain(hexlify(publicKey));
    const verify = () => verifySignature(publicKey, getBytes(digest), signature);
    expect(verify).toThrow(expect.objectContaining({ code: "BACKEND_RESPONSE_INVALID" }));
  }
  expect(() => beyondOrder("0x12")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
