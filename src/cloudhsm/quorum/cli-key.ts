import { getBytes } from "ethers";
import { invalidResponse, SignerError } from "../../core/errors.ts";
import { publicKeyFromEcPoint } from "../../core/public-key.ts";
import type { CliAnswer } from "./cli-answer.ts";
import { shownText } from "./cli-failure.ts";
import { dataOf, keyCount } from "./cli-refusal.ts";

/** How the caller names a private key. */
export type KeyName = { readonly label: string } | { readonly reference: string };

/** A private key as `key list --verbose` shows it. */
export interface ListedKey {
  /** `0x` and hex: what the cluster names the key by. */
  readonly reference: string;
  /** 65 bytes, SEC1 uncompressed; undefined where the CLI does not show the point. */
  readonly publicKey: Uint8Array | undefined;
  /** How many users must approve each use; undefined where the CLI does not say. */
  readonly useQuorum: number | undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads the answer to `key list --filter … attr.class=private-key --verbose`.
 *
 * @throws SignerError KEY_NOT_FOUND or KEY_UNUSABLE where it is not one secp256k1 key that asks for approvals.
 */
export function readListedKey(answer: CliAnswer, name: KeyName): ListedKey {
  const { matched_keys: keys, total_key_count: total } = dataOf(answer, "key list");
  if (!Array.isArray(keys)) throw invalidResponse("the CloudHSM CLI's list of keys has no matched_keys");
  const count = Math.max(keys.length, typeof total === "number" ? total : 0);
  if (count !== 1) throw keyCount(count);
  const key = object(keys[0]);
  const attributes = object(key["attributes"]);
  const reference = readReference(key["key-reference"]);
  // The label went through the CLI's own rules for quotes.
  if ("label" in name ? attributes["label"] !== name.label : !isSameReference(reference, name.reference)) {
    throw invalidResponse("the CloudHSM CLI listed another key than the one that was asked for");
  }
  const curve = attributes["curve"] ?? "secp256k1";
  if (attributes["class"] !== "private-key" || curve !== "secp256k1") {
    const kind = `a ${shown(attributes["class"])} on ${shown(curve)}`;
    throw new SignerError("KEY_UNUSABLE", `the key is ${kind}, no private key on secp256k1`);
  }
  const useQuorum = object(object(key["key-info"])["key-quorum-values"])["use-key-quorum-value"];
  if (useQuorum === 0) {
    const message = "the key asks for no approvals: sign with CloudHsmSigner, or make a key with a use quorum value";
    throw new SignerError("KEY_UNUSABLE", message);
  }
  const point = attributes["ec-point"];
  return {
    reference,
    publicKey: typeof point === "string" ? publicKeyFromEcPoint(hexBytes(point)) : undefined,
    useQuorum: typeof useQuorum === "number" ? useQuorum : undefined,
  };
}

/** A key's reference in an answer. */
export function readReference(value: unknown): string {
  if (typeof value === "string" && /^0x[0-9a-f]{1,32}$/i.test(value)) return value;
  throw invalidResponse("the CloudHSM CLI's answer has no key-reference");
}

/** References are numbers: leading zeros and the case of digits do not count. */
export function isSameReference(one: string, other: string): boolean {
  return BigInt(one) === BigInt(other);
}

function object(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

/** Any JSON value for a message: text on one line, and of everything else its type. */
function shown(value: unknown): string {
  return typeof value === "string" ? shownText(value) : typeof value;
}

function hexBytes(text: string): Uint8Array {
  try {
    return getBytes(text);
  } catch {
    throw invalidResponse("the CloudHSM CLI's ec-point is not hex");
  }
}
