import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify, recoverAddress, Signature, toBeHex } from "ethers";
import { addressFromPublicKey, publicKeyFromSec1, publicKeyFromSpki } from "../../src/core/public-key.ts";
import { signatureFromDer, toLowS } from "../../src/core/signature.ts";
import { verifySignature } from "../../src/core/verify.ts";
import { bytes, refused } from "./support.ts";

interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string };
    readonly publicKeyDer: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly flags: readonly string[];
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid" | "acceptable";
    }[];
  }[];
}

// The vectors are data under a licence of their own (Apache-2.0) and are kept outside the repository.
const FILE = "ecdsa_secp256k1_sha256_test.json";
const folders = [process.env["WYCHEPROOF_DIR"], join(__dirname, "../../../shared/vectors/wycheproof")];
const file = folders.flatMap((folder) => (folder ? [join(folder, FILE)] : [])).find((path) => existsSync(path));

if (file === undefined) {
  test(`the Wycheproof vectors are not here: set WYCHEPROOF_DIR to the folder with ${FILE} to run them`, () => {
    expect(process.env["WYCHEPROOF_DIR"]).toBeUndefined();
  });
} else {
  const vectors: Vectors = JSON.parse(readFileSync(file, "utf8"));

  describe("Wycheproof: ECDSA, secp256k1, SHA-256, DER", () => {
    test("every vector is here", () => {
      const count = vectors.testGroups.reduce((sum, group) => sum + group.tests.length, 0);
      expect(count).toBe(vectors.numberOfTests);
      expect(count).toBeGreaterThan(450);
    });

    test("two valid signatures are beyond Ethereum, and the rest is not", () => {
      const beyond = vectors.testGroups.flatMap(({ publicKey, tests }) =>
        tests.filter(
          ({ msg, sig, result }) =>
            result === "valid" && needsRecoveryId2Or3(sig, sha256(msg), bytes(publicKey.uncompressed)),
        ),
      );
      expect(beyond.map(({ tcId }) => tcId)).toEqual([350, 471]);
    });

    test("every group's public key reads alike from SPKI and SEC1", () => {
      for (const { publicKey, publicKeyDer } of vectors.testGroups) {
        expect(publicKeyFromSpki(bytes(publicKeyDer))).toEqual(publicKeyFromSec1(bytes(publicKey.uncompressed)));
      }
    });

    for (const group of vectors.testGroups) {
      const publicKey = bytes(group.publicKey.uncompressed);
      for (const vector of group.tests) {
        test(`${vector.tcId} is ${vector.result}: ${vector.comment} (${vector.flags.join(", ")})`, () => {
          const digest = sha256(vector.msg);
          const decode = () => toLowS(signatureFromDer(bytes(vector.sig)));
          const verify = () => verifySignature(publicKey, digest, decode());
          if (vector.result === "valid" && needsRecoveryId2Or3(vector.sig, digest, publicKey)) {
            refused(verify, "BACKEND_RESPONSE_INVALID");
          } else if (vector.result === "valid") {
            const { r, s } = decode();
            const yParity = verify() as 0 | 1;
            const signature = Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), yParity });
            expect(recoverAddress(digest, signature)).toBe(addressFromPublicKey(publicKey));
          } else if (isReadable(vector.sig)) {
            expect(verify()).toBeUndefined();
          } else {
            refused(decode, "BACKEND_RESPONSE_INVALID");
          }
        });
      }
    }
  });
}

function sha256(hex: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes(hex)).digest());
}

/** Valid for ECDSA, but with an R whose x is n or more, which an Ethereum signature has no room for. */
function needsRecoveryId2Or3(sig: string, digest: Uint8Array, publicKey: Uint8Array): boolean {
  const { r, s } = signatureFromDer(bytes(sig));
  return [2, 3].some((recoveryId) => {
    try {
      const recovered = new secp256k1.Signature(r, s, recoveryId).recoverPublicKey(digest);
      return recovered.toHex(false) === hexlify(publicKey).slice(2);
    } catch {
      return false;
    }
  });
}

function isReadable(sig: string): boolean {
  try {
    signatureFromDer(bytes(sig));
    return true;
  } catch {
    return false;
  }
}
