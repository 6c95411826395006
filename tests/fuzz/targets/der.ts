import { strictEqual } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import type { RawSignature } from "../../../src/core/signature.ts";
import { signatureFromDer, signatureToDer } from "../../../src/core/signature.ts";
import { ORDER } from "../../support/hostile/point.ts";
import type { FuzzTarget } from "../target.ts";

const SEEDS: readonly RawSignature[] = [
  { r: 1n, s: 1n },
  { r: 0x80n, s: 0x7fn },
  { r: ORDER - 1n, s: ORDER >> 1n },
  { r: ORDER >> 8n, s: ORDER >> 9n },
];

/** A DER signature: @noble/curves must read the same from every one that is accepted, and writing it gives the same bytes. */
export const target: FuzzTarget<RawSignature> = {
  maxLength: 4096,
  seeds: () => SEEDS.map(signatureToDer),
  decode: signatureFromDer,
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID"),
  confirm(input, { r, s }) {
    strictEqual(hexlify(signatureToDer({ r, s })), hexlify(input));
    const theirs = secp256k1.Signature.fromBytes(input, "der");
    strictEqual(r, theirs.r);
    strictEqual(s, theirs.s);
  },
};
