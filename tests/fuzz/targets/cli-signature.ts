import { strictEqual, throws } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { readSignature } from "../../../src/cloudhsm/quorum/cli-signature.ts";
import { isSignerError } from "../../../src/core/errors.ts";
import type { RawSignature } from "../../../src/core/signature.ts";
import { ORDER } from "../../support/hostile/point.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const REFERENCE = "0x00000000006c0004";
const NUMBERS = [
  [1n, 2n],
  [ORDER - 1n, ORDER - 2n],
  [ORDER, 0n],
] as const;

type Data = Readonly<Record<string, unknown>>;

function dataOf(input: Uint8Array): Data {
  const data = jsonOf(input);
  return typeof data === "object" && data !== null ? (data as Data) : {};
}

/** The bytes that a strict reader of base64 takes; undefined where the answer has none, or is of another key. */
function bytesOfAnswer({ "key-reference": reference, signature }: Data): Uint8Array | undefined {
  if (typeof reference !== "string" || !/^0x0*6c0004$/i.test(reference) || reference.length > 34) return undefined;
  if (typeof signature !== "string") return undefined;
  const bytes = Buffer.from(signature, "base64");
  return bytes.toString("base64") === signature ? new Uint8Array(bytes) : undefined;
}

const base64 = (numbers: readonly bigint[]) =>
  Buffer.from(numbers.map((number) => number.toString(16).padStart(64, "0")).join(""), "hex").toString("base64");

/** The `data` of an answer to `crypto sign`: accepted where the key is the one that was asked, and @noble/curves accepts r‖s. */
export const target: FuzzTarget<RawSignature> = {
  maxLength: 4096,
  seeds: () =>
    [REFERENCE, "0x6C0004", "0x7"].flatMap((reference) =>
      NUMBERS.map((numbers) => {
        const data = { "key-reference": reference, signature: base64(numbers) };
        return bytesOf(JSON.stringify(data));
      }),
    ),
  decode: (input) => readSignature(dataOf(input), REFERENCE),
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID"),
  confirm(input, { r, s }) {
    const theirs = secp256k1.Signature.fromBytes(bytesOfAnswer(dataOf(input)) ?? new Uint8Array(), "compact");
    strictEqual(r, theirs.r);
    strictEqual(s, theirs.s);
  },
  confirmRefusal(input) {
    const bytes = bytesOfAnswer(dataOf(input));
    if (bytes) throws(() => secp256k1.Signature.fromBytes(bytes, "compact"));
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
