import { execFileSync } from "node:child_process";
import { verify } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, sha256 } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import { openSslKey, type SignedMessage } from "./signatures.ts";

/** The numbers that OpenSSL's ASN.1 parser reads from encodings that stand one behind the other. */
export function parseByOpenSsl(encodings: readonly Uint8Array[]): RawSignature[] {
  const output = execFileSync("openssl", ["asn1parse", "-inform", "DER"], {
    input: Buffer.concat(encodings),
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const numbers = [...output.matchAll(/^ *\d+:d=1 .* INTEGER +:([0-9A-F-]+)$/gm)].map(([, hex = ""]) => hex);
  const sequences = output.match(/^ *\d+:d=0 .* SEQUENCE *$/gm)?.length;
  if (numbers.length !== 2 * encodings.length || sequences !== encodings.length) {
    throw new Error(
      `of ${encodings.length} signatures OpenSSL read ${sequences} sequences of ${numbers.length} numbers`,
    );
  }
  return encodings.map((_, index) => ({ r: number(numbers[2 * index]), s: number(numbers[2 * index + 1]) }));
}

/** A negative one has its sign before the digits, and is none of ours. */
function number(hex = ""): bigint {
  return hex.startsWith("-") ? -1n : BigInt(`0x${hex}`);
}

/** Whether OpenSSL takes these bytes for the message's signature by its key. */
export function verifiesOriginal(der: Uint8Array, { message, publicKey }: SignedMessage): boolean {
  return verify("sha256", message, { key: publicKey, dsaEncoding: "der" }, der);
}

/**
 * Whether OpenSSL, in verifying, reads exactly these numbers from the bytes, or the negative s, which verifies alike: they are
 * valid for the one key that is recovered from them, and no others are. Undefined where r is the x of no point, for which
 * there is no such key.
 */
export function verifiesAs(der: Uint8Array, { r, s }: RawSignature, message: Uint8Array): boolean | undefined {
  let point: Uint8Array;
  try {
    const signature = new secp256k1.Signature(r, s).addRecoveryBit(0);
    point = signature.recoverPublicKey(getBytes(sha256(message))).toBytes(false);
  } catch {
    return undefined;
  }
  const key = openSslKey(point);
  const compact = Buffer.from(r.toString(16).padStart(64, "0") + s.toString(16).padStart(64, "0"), "hex");
  return (
    verify("sha256", message, { key, dsaEncoding: "der" }, der) &&
    verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, compact)
  );
}
