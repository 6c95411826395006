import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getBytes, id, recoverAddress, SigningKey, toBeHex, Wallet } from "ethers";
import fc from "fast-check";
import { type RawSignature, toLowS } from "../../src/core/signature.ts";
import { verifySignature } from "../../src/core/verify.ts";
import { nativeVerifier } from "../../src/secp256k1/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { ORDER } from "../core/support.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { beyondOrder } from "../support/hostile/index.ts";
import { MemoryKey } from "../support/memory-key.ts";

const verify = nativeVerifier();
const scalar = () => fc.bigInt({ min: 1n, max: ORDER - 1n });
const bytes32 = () => fc.uint8Array({ minLength: 32, maxLength: 32 });

function sign(privateKey: bigint, digest: Uint8Array): { publicKey: Uint8Array; signature: RawSignature } {
  const key = new SigningKey(toBeHex(privateKey, 32));
  const { r, s } = key.sign(digest);
  return { publicKey: getBytes(key.publicKey), signature: { r: BigInt(r), s: BigInt(s) } };
}

describe("nativeVerifier", () => {
  test("gives the parity that noble gives, for random signatures and their opposites", () => {
    fc.assert(
      fc.property(scalar(), bytes32(), (privateKey, digest) => {
        const { publicKey, signature } = sign(privateKey, digest);
        const yParity = verifySignature(publicKey, digest, signature);
        expect(verify(publicKey, digest, signature)).toBe(yParity);
        // The opposite s belongs to the opposite R: nothing is normalised here.
        expect(verify(publicKey, digest, { r: signature.r, s: ORDER - signature.s })).toBe(1 - Number(yParity));
      }),
      { numRuns: 100 },
    );
  });

  test("refuses what is not by the key over the digest, as noble does", () => {
    const other = getBytes(new SigningKey(id("another key")).publicKey);
    fc.assert(
      fc.property(scalar(), bytes32(), scalar(), scalar(), (privateKey, digest, r, s) => {
        const { publicKey, signature } = sign(privateKey, digest);
        const changed = digest.slice();
        changed[31] = (changed[31] ?? 0) ^ 1;
        const wrong = [
          verify(other, digest, signature),
          verify(publicKey, changed, signature),
          verify(publicKey, digest, { r, s: signature.s }),
          verify(publicKey, digest, { r: signature.r, s }),
          verify(publicKey, digest, { r: signature.s, s: signature.r }),
        ];
        expect(wrong).toEqual(Array(5).fill(undefined));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["r and s of 1", { r: 1n, s: 1n }],
    ["the largest r and s", { r: ORDER - 1n, s: ORDER - 1n }],
    ["r that is the x of no point", { r: 5n, s: 1n }],
  ])("refuses %s", (_name, signature) => {
    const { publicKey } = sign(7n, getBytes(id("digest")));
    expect(verify(publicKey, getBytes(id("digest")), signature)).toBeUndefined();
  });

  test("knows no signature whose R has an x of n or more: Ethereum has none", () => {
    const digest = getBytes(id("digest"));
    const { publicKey, signature } = beyondOrder(digest);
    expect(verify(publicKey, digest, toLowS(signature))).toBeUndefined();
  });

  test("decides for a signer: right signatures leave it, with low s, and wrong ones do not", async () => {
    const wallet = new Wallet(id("the key"));
    const signer = new RemoteSigner(new MemoryKey(wallet.privateKey), null, { verifier: verify });
    for (let index = 0; index < 8; index += 1) {
      const signature = await signer.signDigest(id(`digest ${index}`));
      expect(recoverAddress(id(`digest ${index}`), signature)).toBe(wallet.address);
    }
    const wrong = new FaultyKey(wallet.privateKey, { onSign: (honest) => honest.signDigest(getBytes(id("another"))) });
    await expect(new RemoteSigner(wrong, null, { verifier: verify }).signDigest(id("one"))).rejects.toMatchObject({
      code: "SIGNATURE_MISMATCH",
    });
  });
});

describe("without the package's native binding", () => {
  afterEach(() => {
    jest.dontMock("secp256k1/bindings.js");
    jest.resetModules();
  });

  test.each([
    ["is not installed", "MODULE_NOT_FOUND", /npm install secp256k1$/],
    ["has no native binding for this platform", "ERR_DLOPEN_FAILED", /npm rebuild secp256k1/],
  ])("the package %s: an error says so, and its JavaScript is not used", (what, code, hint) => {
    const cause = Object.assign(new Error("as Node says it"), { code });
    jest.doMock("secp256k1/bindings.js", () => {
      throw cause;
    });
    const refused = expect.objectContaining({ code: "DEPENDENCY_MISSING", retryable: false, cause });
    expect(() => nativeVerifier()).toThrow(refused);
    expect(() => nativeVerifier()).toThrow(hint);
    expect(() => nativeVerifier()).toThrow(what);
  });
});
