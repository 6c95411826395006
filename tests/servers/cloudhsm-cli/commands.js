// The commands, each over the cluster's state. They answer with `data`, or throw a Refusal.

import { readFileSync, writeFileSync } from "node:fs";
import { required, UsageError } from "./command-line.js";
import { addKeyPair, findKeys, findOneKey, sha256, showKey, signDigest } from "./keys.js";
import { makeToken, register, useApprovals } from "./quorum.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./quorum.js").Session} Session */
/** @typedef {{ state: State, session: Session, options: Map<string, string[]>, fault: string | undefined }} Call */
/** @typedef {{ options: import("./command-line.js").Options, run: (call: Call) => unknown }} Command */

/** @type {Record<string, Command>} */
export const COMMANDS = {
  "key list": {
    options: { filter: "many", verbose: "flag", "max-items": "one", "starting-token": "one", "cluster-id": "one" },
    run: ({ state, session, options }) => {
      const keys = findKeys(state, session.username, options.get("filter") ?? []);
      const shown = keys.slice(0, Number(options.get("max-items")?.[0] ?? 10));
      return {
        matched_keys: shown.map((key) => {
          const { "key-reference": reference, ...others } = showKey(key, state.style);
          if (options.has("verbose")) return { "key-reference": reference, ...others };
          return { "key-reference": reference, attributes: { label: key.label } };
        }),
        total_key_count: keys.length,
        returned_key_count: shown.length,
      };
    },
  },
  "key generate-asymmetric-pair ec": {
    options: {
      "public-label": "one",
      "private-label": "one",
      curve: "one",
      "public-attributes": "many",
      "private-attributes": "many",
      "share-crypto-users": "many",
      "manage-private-key-quorum-value": "one",
      "use-private-key-quorum-value": "one",
      "cluster-id": "one",
    },
    run: ({ state, session, options }) => {
      if (required(options, "curve") !== "secp256k1") throw new Refusal("This stand-in makes secp256k1 keys only");
      const shared = options.get("share-crypto-users") ?? [];
      const [manageQuorum, useQuorum] = quorumValues(options);
      if (useQuorum > shared.length + 1 || manageQuorum > shared.length + 1) {
        throw new Refusal(
          "The quorum value must not be greater than the number of users that the key is associated with",
        );
      }
      const { publicKey, privateKey } = addKeyPair(state, {
        owner: session.username,
        shared,
        privateLabel: required(options, "private-label"),
        publicLabel: required(options, "public-label"),
        manageQuorum,
        useQuorum,
        publicAttributes: attributes(options, "public-attributes"),
        privateAttributes: attributes(options, "private-attributes"),
      });
      return { public_key: showKey(publicKey, state.style), private_key: showKey(privateKey, state.style) };
    },
  },
  "quorum token-sign generate": {
    options: { service: "one", token: "one", filter: "many", "cluster-id": "one" },
    run: ({ state, session, options }) => {
      const service = required(options, "service");
      const filepath = required(options, "token");
      if (!["key-usage", "registration"].includes(service)) throw new UsageError(`invalid value '${service}'`);
      const filter = options.get("filter");
      if (service === "key-usage" && filter === undefined)
        throw new Refusal("A key filter is required for key services");
      const key = filter && findOneKey(state, session.username, filter);
      writeFileSync(filepath, JSON.stringify(makeToken(state, session, service, key?.reference), undefined, 2));
      return { filepath };
    },
  },
  "user change-quorum token-sign register": {
    options: { "public-key": "one", "signed-token": "one", "cluster-id": "one" },
    run: ({ state, session, options }) => {
      const pem = readText(required(options, "public-key"));
      register(state, session, pem, JSON.parse(readText(required(options, "signed-token"))));
      return { username: session.username, role: session.role };
    },
  },
  "crypto sign ecdsa": {
    options: {
      "key-filter": "many",
      "hash-function": "one",
      "data-type": "one",
      data: "one",
      "data-path": "one",
      approval: "one",
      "cluster-id": "one",
    },
    run: ({ state, session, options, fault }) => {
      const key = findOneKey(state, session.username, options.get("key-filter") ?? []);
      if (key.class !== "private-key" || key.attributes["sign"] !== "true") throw new Refusal("The key cannot sign");
      const digest = digestOf(options);
      if (key.useQuorum > 0) {
        const approval = options.get("approval")?.[0];
        if (approval === undefined) throw new Refusal("Quorum Failed");
        useApprovals(state, session, key, JSON.parse(readText(approval)));
      }
      const signature = signDigest(key, fault === "wrong-digest" ? sha256(digest) : digest);
      const reference = fault === "other-key" ? "0x00000000000fffff" : key.reference;
      return { "key-reference": reference, signature: signature.toString("base64") };
    },
  },
};

/** @param {Map<string, string[]>} options @returns {[number, number]} */
function quorumValues(options) {
  const values = ["manage", "use"].map((name) => options.get(`${name}-private-key-quorum-value`)?.[0]);
  if (values.every((value) => value === undefined)) return [0, 0];
  const [manage = Number.NaN, use = Number.NaN] = values.map(Number);
  if (manage > 1 && use > 1 && manage <= 8 && use <= 8) return [manage, use];
  throw new Refusal("The manage key and use key quorum values must be set to a value greater than 1");
}

/** @param {Map<string, string[]>} options @param {string} name */
function attributes(options, name) {
  return Object.fromEntries((options.get(name) ?? []).map((pair) => pair.split("=")));
}

/** @param {Map<string, string[]>} options */
function digestOf(options) {
  if (required(options, "hash-function") !== "sha256") throw new Refusal("This stand-in knows sha256 only");
  const data = Buffer.from(required(options, "data"), "base64");
  const type = options.get("data-type")?.[0] ?? "raw";
  if (type === "raw") return sha256(data);
  if (type !== "digest") throw new UsageError(`invalid value '${type}' for '--data-type'`);
  if (data.length !== 32) throw new Refusal("The digest has the wrong length for the hash function");
  return data;
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new Refusal(`Unable to read file: ${path}`);
  }
}
