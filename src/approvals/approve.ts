import { assertArgument, decodeBase64, encodeBase64 } from "ethers";
import { type QuorumApproval, readApproval } from "./approval.ts";
import { quoteName } from "./display.ts";
import { quorumError } from "./errors.ts";
import type { ApprovalRequest } from "./request.ts";
import { type RsaPrivateKey, type RsaPublicKey, readPublicKey } from "./rsa-key.ts";
import { parseQuorumTokenFile, type QuorumTokenFile, serializeQuorumTokenFile } from "./token-file.ts";
import { type QuorumTokenSigner, signApprovalData } from "./token-signature.ts";
import { type VerifyRequestOptions, verifyApprovalRequest } from "./verify-request.ts";

/** How a bare token file is approved. */
export interface ApproveTokenOptions {
  /** The user's role. Default: `"crypto-user"`. */
  readonly role?: string | undefined;
  /** Checks what a function signed; a private key's own is always checked. */
  readonly publicKey?: RsaPublicKey | undefined;
  /** The service that the token file must be for. Default: `"key-usage"`. */
  readonly service?: string | undefined;
}

/** How the request is verified before its token is signed, and by whom. A request's token is always for `"key-usage"`. */
export interface ApproveOptions extends VerifyRequestOptions, Omit<ApproveTokenOptions, "service"> {}

/**
 * Signs a quorum token as one of its approvers, without an HSM. Give the entry back to the requester, by any channel.
 *
 * A request is first verified as {@link verifyApprovalRequest} does, with the same options and the same errors. It does not ask:
 * show `summary` to a person before. For a bare token file nothing is known of what will be signed.
 *
 * The signature is RSASSA-PKCS1-v1_5 with SHA-256 over the approval data, whose SHA-256 is the token. It says nothing of the
 * digest: see {@link verifyApprovalRequest} for what that means. Where the cluster uses the key for multi-factor authentication as
 * well, it can log the user in: sign nothing with it that was not expected.
 *
 * @param username the approver's name in the HSM, to which the key is registered.
 * @param key the RSA-2048 private key; or a function that signs, for a key in another HSM or KMS.
 * @throws ethers' INVALID_ARGUMENT for a key that is not RSA-2048, which it never shows; SignerError SIGNATURE_MISMATCH where the
 *   signature is not by `publicKey`, BACKEND_RESPONSE_INVALID where a function gives something other than 256 bytes; whatever
 *   that function throws.
 */
export async function approveQuorumToken(
  request: ApprovalRequest,
  username: string,
  key: RsaPrivateKey | QuorumTokenSigner,
  options: ApproveOptions,
): Promise<QuorumApproval>;
export async function approveQuorumToken(
  token: QuorumTokenFile,
  username: string,
  key: RsaPrivateKey | QuorumTokenSigner,
  options?: ApproveTokenOptions,
): Promise<QuorumApproval>;
export async function approveQuorumToken(
  source: ApprovalRequest | QuorumTokenFile,
  username: string,
  key: RsaPrivateKey | QuorumTokenSigner,
  options: ApproveOptions | ApproveTokenOptions = {},
): Promise<QuorumApproval> {
  const isObject = typeof source === "object" && source !== null;
  assertArgument(isObject, "pass an approval request or a token file, parsed", "source", typeof source);
  const token = isRequest(source)
    ? verifyApprovalRequest(source, options as ApproveOptions).request.token
    : checkBare(source, options);
  const publicKey = options.publicKey === undefined ? undefined : readPublicKey(options.publicKey, "the approver");
  const approval = { username, role: options.role ?? "crypto-user" };
  // A placeholder of the right form, so that a wrong name is told before anything is signed.
  readApproval({ ...approval, signature: encodeBase64(new Uint8Array(256)) }, "the approval");
  return { ...approval, signature: await signApprovalData(decodeBase64(token.approval_data), key, publicKey) };
}

function isRequest(source: ApprovalRequest | QuorumTokenFile): source is ApprovalRequest {
  return "content" in source;
}

function checkBare(source: QuorumTokenFile, { service = "key-usage" }: ApproveTokenOptions): QuorumTokenFile {
  const file = parseQuorumTokenFile(serializeQuorumTokenFile(source));
  if (file.service === service) return file;
  throw quorumError(
    "wrong-service",
    `the token is for ${quoteName(file.service)}, not for ${service}: do not approve it`,
  );
}
