import type { KeyObject } from "node:crypto";
import { assertArgument, decodeBase64 } from "ethers";
import { type QuorumApproval, readApproval } from "./approval.ts";
import { quoteName } from "./display.ts";
import { quorumError } from "./errors.ts";
import { isSignedBy, type RsaPublicKey, readPublicKey } from "./rsa-key.ts";
import { parseQuorumTokenFile, type QuorumTokenFile, serializeQuorumTokenFile } from "./token-file.ts";

/** The registered public keys, by the names of their users: `user change-quorum token-sign register` was given the same. */
export type QuorumUsers = ReadonlyMap<string, RsaPublicKey> | Readonly<Record<string, RsaPublicKey>>;

/**
 * The keys of all users.
 *
 * @throws ethers' INVALID_ARGUMENT for a key that is not RSA-2048, and where two users have one key, or one name but for its case: one person
 *   would count twice.
 */
export function readUsers(users: QuorumUsers): ReadonlyMap<string, KeyObject> {
  const read = new Map<string, KeyObject>();
  const owners = new Map<string, string>();
  for (const [name, key] of isMap(users) ? users : Object.entries(users)) {
    const publicKey = readPublicKey(key, quoteName(name));
    for (const identity of [`name ${name.toLowerCase()}`, `key ${publicKey.export({ format: "jwk" }).n}`]) {
      const other = owners.get(identity);
      const message = `${quoteName(name)} and ${quoteName(other ?? "")} are one approver: they have the same ${identity.split(" ")[0]}`;
      assertArgument(other === undefined, message, "approvers", "[not shown]");
      owners.set(identity, name);
    }
    read.set(name, publicKey);
  }
  return read;
}

/** What approvals are checked against. */
export interface MergeOptions {
  /** Who may approve. Without it no signature is checked: the HSM does, and its error tells less. */
  readonly users?: QuorumUsers | undefined;
  /** How many approvals the key asks for, 2 to 8. Default: any number. */
  readonly required?: number | undefined;
  /** The role that every approval must be in. Default: `"crypto-user"`. */
  readonly role?: string | undefined;
}

/**
 * Adds approvals to a token file: after those that it has, in the order given. The result is what the CloudHSM CLI takes as
 * `--approval`. Approvals that the file has already are checked with the new ones.
 *
 * Two approvals are by the same user also where the names differ in case only, or where their RSA keys are the same: a token has
 * one signature by a key. Without `users`, unknown approvers and signatures of other tokens are not noticed.
 *
 * @throws SignerError whose message names the user, with `info.username` and `info.reason`: `"duplicate"`, `"unknown-approver"`,
 *   `"wrong-role"`, `"bad-signature"` (also for an approval of another token); with `"too-few-approvals"` and
 *   `info.approvals` and `info.required`; ethers' INVALID_ARGUMENT for malformed input.
 */
export function mergeApprovals(
  tokenFile: QuorumTokenFile,
  approvals: Iterable<QuorumApproval>,
  { users, required, role = "crypto-user" }: MergeOptions = {},
): QuorumTokenFile {
  const file = parseQuorumTokenFile(serializeQuorumTokenFile(tokenFile));
  const added = [...approvals].map((approval, index) => readApproval(approval, `approvals[${index}]`));
  const all = [...file.signatures, ...added];
  const approvalData = decodeBase64(file.approval_data);
  const keys = users === undefined ? undefined : readUsers(users);
  const seen = new Map<string, string>();

  for (const { username, role: actual, signature } of all) {
    const name = quoteName(username);
    const fail = (reason: Parameters<typeof quorumError>[0], message: string) =>
      quorumError(reason, message, { info: { username } });
    const once = (identity: string, what: string) => {
      const other = seen.get(identity);
      if (other === undefined) seen.set(identity, name);
      else throw fail("duplicate", `${name} approved twice: ${what} is that of ${other}'s approval`);
    };
    once(`user ${username.toLowerCase()}`, "the name");
    if (actual !== role) {
      throw fail("wrong-role", `${name} approved as ${quoteName(actual)}, not as ${quoteName(role)}`);
    }
    if (keys !== undefined) {
      const publicKey = keys.get(username);
      if (publicKey === undefined) throw fail("unknown-approver", `${name} is not among the registered users`);
      if (!isSignedBy(publicKey, approvalData, decodeBase64(signature))) {
        throw fail("bad-signature", `${name}'s approval is not a signature of this token by the registered key`);
      }
    }
    // PKCS #1 v1.5 is deterministic: the same key under another name gives the same signature.
    once(`signature ${signature}`, "the signature");
  }
  checkCount(all.length, required);
  return { ...file, signatures: all };
}

function isMap(users: QuorumUsers): users is ReadonlyMap<string, RsaPublicKey> {
  return typeof users.get === "function";
}

function checkCount(approvals: number, required: number | undefined): void {
  if (required === undefined) return;
  assertArgument(
    Number.isInteger(required) && required > 0,
    "required must be an integer number of approvals",
    "required",
    required,
  );
  if (approvals >= required) return;
  throw quorumError("too-few-approvals", `${approvals} of ${required} approvals: ask more of the key's users`, {
    info: { approvals, required },
  });
}
