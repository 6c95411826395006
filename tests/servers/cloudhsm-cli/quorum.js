// Tokens and their approvals: real RSA-2048 signatures over SHA-256, PKCS#1 v1.5.

import { createPublicKey, randomBytes, verify } from "node:crypto";
import { sha256 } from "./keys.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{ id: string, username: string, role: string }} Session */
/** @typedef {{ username?: unknown, role?: unknown, signature?: unknown }} Approval */

const INVALID_PAIR = "Invalid username-signature pair for quorum authorization";

/**
 * A token file for `service`, and the token in the cluster's memory.
 *
 * @param {State} state
 * @param {Session} session
 * @param {string} service
 * @param {string} [keyReference]
 */
export function makeToken(state, session, service, keyReference) {
  const approvalData = randomBytes(96);
  const token = sha256(approvalData).toString("base64");
  state.tokens[token] = {
    service,
    ...(keyReference === undefined ? {} : { keyReference }),
    session: session.id,
    username: session.username,
    createdAt: Date.now(),
    used: false,
  };
  const approval_data = approvalData.toString("base64");
  if (service === "registration") {
    return { version: "2.0", tokens: [{ approval_data, unsigned: token, signed: "" }], signatures: [] };
  }
  return { version: "2.0", service, key_reference: keyReference, approval_data, token, signatures: [] };
}

/**
 * Takes the approvals of a token for the use of a key, once, or refuses.
 *
 * @param {State} state
 * @param {Session} session
 * @param {import("./state.js").Key} key
 * @param {{ token?: unknown, approval_data?: unknown, signatures?: unknown }} file
 */
export function useApprovals(state, session, key, file) {
  const approvals = /** @type {Approval[]} */ (Array.isArray(file.signatures) ? file.signatures : []);
  if (approvals.length === 0) throw new Refusal("No token signatures provided");
  const token = state.tokens[String(file.token)];
  if (token === undefined || token.used || token.session !== session.id) throw new Refusal(INVALID_PAIR);
  if (token.service !== "key-usage" || token.keyReference !== key.reference) throw new Refusal("Quorum Failed");
  if (Date.now() - token.createdAt >= state.tokenLifetime) throw new Refusal("Quorum Failed");
  const approvalData = Buffer.from(String(file.approval_data), "base64");
  if (sha256(approvalData).toString("base64") !== file.token) throw new Refusal(INVALID_PAIR);
  const seen = new Set();
  for (const { username, role, signature } of approvals) {
    const name = String(username);
    const user = state.users[name];
    const entitled = key.owner === name || key.shared.includes(name);
    const right = user?.role === role && isSignature(user?.publicKey, approvalData, signature);
    if (!entitled || !right || seen.has(name)) throw new Refusal(INVALID_PAIR);
    seen.add(name);
  }
  if (seen.size < key.useQuorum) {
    throw new Refusal(
      `Too few quorum approvals: currently ${seen.size} approvals, but ${key.useQuorum} approvals required`,
    );
  }
  token.used = true;
}

/**
 * Registers the public key of the session's user, who proves to hold the private one with a signed registration token.
 *
 * @param {State} state
 * @param {Session} session
 * @param {string} pem
 * @param {{ tokens?: { approval_data?: unknown, unsigned?: unknown, signed?: unknown }[], signatures?: Approval[] }} file
 */
export function register(state, session, pem, file) {
  const [entry] = file.tokens ?? [];
  const token = state.tokens[String(entry?.unsigned)];
  const signature = entry?.signed || file.signatures?.find(({ username }) => username === session.username)?.signature;
  const valid = token?.service === "registration" && token.session === session.id && !token.used;
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== "rsa" || key.asymmetricKeyDetails?.modulusLength !== 2048) {
    throw new Refusal("The public key must be RSA-2048");
  }
  if (!valid || !isSignature(pem, Buffer.from(String(entry?.approval_data), "base64"), signature)) {
    throw new Refusal("InvalidQuorumSignature");
  }
  token.used = true;
  const user = state.users[session.username];
  if (user) user.publicKey = pem;
}

/** @param {string | undefined} pem @param {Uint8Array} approvalData @param {unknown} signature */
function isSignature(pem, approvalData, signature) {
  if (pem === undefined || typeof signature !== "string") return false;
  return verify("sha256", approvalData, pem, Buffer.from(signature, "base64"));
}
