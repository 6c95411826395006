// Real secp256k1 keys: making, finding, showing and using them.

import { createHash, randomBytes } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./state.js").Key} Key */
/** @typedef {import("./state.js").State} State */

/**
 * @param {State} state
 * @param {{ owner: string, shared: string[], privateLabel: string, publicLabel: string, manageQuorum: number,
 *   useQuorum: number, publicAttributes: Record<string, string>, privateAttributes: Record<string, string>,
 *   privateKey?: string }} wanted
 * @returns {{ publicKey: Key, privateKey: Key }}
 */
export function addKeyPair(state, wanted) {
  const secret = wanted.privateKey ? Buffer.from(wanted.privateKey, "hex") : secp256k1.utils.randomSecretKey();
  const ecPoint = Buffer.from(secp256k1.getPublicKey(secret, false)).toString("hex");
  const { owner, shared } = wanted;
  /** @type {Key} */
  const publicKey = {
    reference: newReference(state, 0),
    label: wanted.publicLabel,
    class: "public-key",
    owner,
    shared: [],
    manageQuorum: 0,
    useQuorum: 0,
    attributes: wanted.publicAttributes,
    ecPoint,
    signatures: 0,
  };
  /** @type {Key} */
  const privateKey = {
    reference: newReference(state, 1),
    label: wanted.privateLabel,
    class: "private-key",
    owner,
    shared,
    manageQuorum: wanted.manageQuorum,
    useQuorum: wanted.useQuorum,
    attributes: wanted.privateAttributes,
    ecPoint,
    privateKey: Buffer.from(secret).toString("hex"),
    signatures: 0,
  };
  state.keys.push(publicKey, privateKey);
  return { publicKey, privateKey };
}

/** @param {State} state @param {number} offset */
function newReference(state, offset) {
  return `0x${(0x120000 + state.keys.length + offset).toString(16).padStart(16, "0")}`;
}

/**
 * The keys that the user sees and that match every part of the filter.
 *
 * @param {State} state
 * @param {string} username
 * @param {readonly string[]} filter
 */
export function findKeys(state, username, filter) {
  return state.keys.filter((key) => {
    const visible = key.class === "public-key" || key.owner === username || key.shared.includes(username);
    return visible && filter.every((part) => matches(key, part));
  });
}

/** @param {Key} key @param {string} part */
function matches(key, part) {
  const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(part) ?? [];
  if (name === "key-reference") return BigInt(value) === BigInt(key.reference);
  if (name === "attr.label") return key.label === value;
  if (name === "attr.class") return key.class === value;
  if (name === "attr.key-type") return value === "ec";
  if (name === "attr.curve") return value === "secp256k1";
  throw new Refusal(`Invalid key filter: ${part}`);
}

/** @param {State} state @param {string} username @param {readonly string[]} filter */
export function findOneKey(state, username, filter) {
  const keys = findKeys(state, username, filter);
  const [key] = keys;
  if (key !== undefined && keys.length === 1) return key;
  throw new Refusal(
    `Key selection criteria matched ${keys.length} keys. Refine selection criteria to select a single key.`,
  );
}

/** @param {Key} key @param {import("./state.js").Style} style */
export function showKey(key, style) {
  const secret = key.class === "private-key";
  const point = `0x${style.derPoint ? "0441" : ""}${key.ecPoint}`;
  return {
    "key-reference": key.reference,
    "key-info": {
      "key-owners": [{ username: key.owner, "key-coverage": "full" }],
      "shared-users": key.shared.map((username) => ({ username, "key-coverage": "full" })),
      "key-quorum-values": { "manage-key-quorum-value": key.manageQuorum, "use-key-quorum-value": key.useQuorum },
      "cluster-coverage": "full",
    },
    attributes: {
      "key-type": "ec",
      label: key.label,
      id: "0x",
      class: key.class,
      token: true,
      extractable: key.attributes["extractable"] !== "false",
      private: true,
      sensitive: secret,
      sign: key.attributes["sign"] === "true",
      verify: key.attributes["verify"] === "true",
      "key-length-bytes": secret ? 122 : 65,
      ...(style.noPoint ? {} : { "ec-point": point }),
      curve: "secp256k1",
    },
  };
}

/**
 * r‖s over 32 bytes, with a random nonce and, as an HSM gives it, with low or high s.
 *
 * @param {Key} key
 * @param {Uint8Array} digest
 */
export function signDigest(key, digest) {
  const secret = Buffer.from(key.privateKey ?? "", "hex");
  const signature = secp256k1.sign(digest, secret, { prehash: false, lowS: false, extraEntropy: randomBytes(32) });
  key.signatures++;
  return Buffer.from(signature);
}

/** @param {Uint8Array} bytes */
export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest();
}
