import { deepStrictEqual, strictEqual } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import { type ListedKey, readListedKey } from "../../../src/cloudhsm/quorum/cli-key.ts";
import { isSignerError } from "../../../src/core/errors.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { meantByEcPoint, points } from "../support/points.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const LABEL = "treasury";
const REFERENCE = "0x00000000006c0004";
const CODES = ["BACKEND_RESPONSE_INVALID", "KEY_NOT_FOUND", "KEY_UNUSABLE"] as const;
/** What an error says: one line that a log can take. */
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]{1,1000}$/u;

interface Listing {
  /** Not the CLI's: whether the key was asked for by its reference. */
  readonly byReference?: unknown;
  readonly matched_keys: readonly [
    {
      readonly "key-reference": string;
      readonly "key-info"?: { readonly "key-quorum-values"?: { readonly "use-key-quorum-value"?: unknown } };
      readonly attributes: Readonly<Record<string, unknown>>;
    },
  ];
}

function listings(): readonly object[] {
  return points().flatMap((point) => {
    const bytes = point.toBytes(false);
    const attributes = { class: "private-key", curve: "secp256k1", label: LABEL, "ec-point": hexlify(bytes) };
    const info = { "key-quorum-values": { "manage-key-quorum-value": 2, "use-key-quorum-value": 2 } };
    const key = { "key-reference": REFERENCE, "key-info": info, attributes };
    const wrapped = { ...attributes, "ec-point": hexlify(Uint8Array.of(0x04, bytes.length, ...bytes)) };
    return [
      { matched_keys: [key], total_key_count: 1, returned_key_count: 1 },
      { matched_keys: [{ "key-reference": "0x6C0004", attributes: wrapped }], byReference: true },
      { matched_keys: [{ ...key, attributes: { ...attributes, class: "public-key", curve: "secp256r1" } }] },
      { matched_keys: [], total_key_count: 0 },
    ];
  });
}

/** The answer to `key list`: what is accepted is the one key that was asked for, and its point is the one that @noble/curves reads. */
export const target: FuzzTarget<ListedKey> = {
  maxLength: 65_536,
  seeds: () => listings().map((listing) => bytesOf(JSON.stringify(listing))),
  decode(input) {
    const data = jsonOf(input);
    const isByReference = (data as Partial<Listing> | null | undefined)?.byReference === true;
    return readListedKey({ errorCode: 0, data }, isByReference ? { reference: REFERENCE } : { label: LABEL });
  },
  allows: (error) => CODES.some((code) => isSignerError(error, code)) && LINE.test((error as Error).message),
  confirm(input, { reference, publicKey, useQuorum }) {
    const { byReference, matched_keys: keys } = jsonOf(input) as Listing;
    const [{ "key-reference": shown, "key-info": info, attributes }] = keys;
    strictEqual(keys.length, 1);
    strictEqual(reference, shown);
    if (byReference === true) strictEqual(BigInt(shown), BigInt(REFERENCE));
    else strictEqual(attributes["label"], LABEL);
    deepStrictEqual([attributes["class"], attributes["curve"] ?? "secp256k1"], ["private-key", "secp256k1"]);
    const quorum = info?.["key-quorum-values"]?.["use-key-quorum-value"];
    strictEqual(useQuorum, typeof quorum === "number" ? quorum : undefined);
    const point = attributes["ec-point"];
    const theirs = typeof point === "string" ? pointOf(point) : undefined;
    strictEqual(publicKey && hexlify(publicKey), theirs);
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};

function pointOf(hex: string): string {
  const bytes = meantByEcPoint(Buffer.from(hex.slice(2), "hex"));
  return hexlify(secp256k1.Point.fromBytes(bytes).toBytes(false));
}
