import { parseJsonObject, readBase64, readObject, readText, refuseOtherFields, serializeJson } from "./json.ts";

/** One user's approval of a token, as it stands in the `signatures` of the CloudHSM CLI's token file. */
export interface QuorumApproval {
  /** The name of an HSM user. */
  readonly username: string;
  /** `"crypto-user"` for the services of keys, `"admin"` for those of administrators. */
  readonly role: string;
  /** RSASSA-PKCS1-v1_5 with SHA-256 over the approval data, by the user's RSA-2048 key: 256 bytes in base64. */
  readonly signature: string;
}

const MAX_CHARACTERS = 4_096;
const SIGNATURE_LENGTH = 256;
const WHAT = "the approval";

/**
 * Reads an approval that came as JSON. It says nothing of whose it is, or of which token: {@link mergeApprovals} does.
 *
 * @throws ethers' INVALID_ARGUMENT for anything that is not an approval, and for a further field.
 */
export function parseQuorumApproval(text: string): QuorumApproval {
  return readApproval(parseJsonObject(text, WHAT, MAX_CHARACTERS), WHAT);
}

/** Writes an approval as JSON and a line feed, after the checks of {@link parseQuorumApproval}. */
export function serializeQuorumApproval(approval: QuorumApproval): string {
  return serializeJson(readApproval(approval, WHAT), WHAT, MAX_CHARACTERS);
}

export function readApproval(value: unknown, what: string): QuorumApproval {
  const entry = readObject(value, what);
  refuseOtherFields(entry, ["username", "role", "signature"], what);
  return {
    username: readText(entry["username"], `${what}: username`),
    role: readText(entry["role"], `${what}: role`),
    signature: readBase64(entry["signature"], `${what}: signature`, SIGNATURE_LENGTH),
  };
}
