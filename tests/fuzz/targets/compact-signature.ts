import { strictEqual, throws } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../../../src/core/signature.ts";
import { ORDER } from "../../support/hostile/point.ts";
import type { FuzzTarget } from "../target.ts";

const hex = (value: bigint) => value.toString(16).padStart(64, "0");

/** A compact signature: accepted exactly where @noble/curves accepts it, with the same numbers. */
export const target: FuzzTarget<RawSignature> = {
  maxLength: 4096,
  seeds: () => [getBytes(`0x${hex(1n)}${hex(ORDER - 1n)}`), getBytes(`0x${hex(ORDER)}${hex(0n)}`)],
  decode: signatureFromCompact,
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID"),
  confirm(input, { r, s }) {
    const theirs = secp256k1.Signature.fromBytes(input, "compact");
    strictEqual(r, theirs.r);
    strictEqual(s, theirs.s);
  },
  confirmRefusal(input) {
    throws(() => secp256k1.Signature.fromBytes(input, "compact"));
  },
};
