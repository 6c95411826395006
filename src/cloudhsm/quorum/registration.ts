import { createHash } from "node:crypto";
import { assertArgument } from "ethers";
import { quorumError } from "../../approvals/errors.ts";
import { parseJsonObject, readArray, readBase64, readObject, refuse, serializeJson } from "../../approvals/json.ts";
import { type RsaPrivateKey, type RsaPublicKey, readPublicKey } from "../../approvals/rsa-key.ts";
import { type QuorumTokenSigner, signApprovalData } from "../../approvals/token-signature.ts";

/** One token of a {@link RegistrationTokenFile}. Fields beyond these are kept. */
export interface RegistrationToken {
  /** Base64. */
  readonly approval_data: string;
  /** SHA-256 of the approval data, 32 bytes in base64. */
  readonly unsigned: string;
  /** RSASSA-PKCS1-v1_5 with SHA-256 over the approval data, 256 bytes in base64; empty until it is signed. */
  readonly signed: string;
  readonly [field: string]: unknown;
}

/**
 * The file that `quorum token-sign generate --service registration` writes, and that, once signed,
 * `user change-quorum token-sign register --signed-token` reads (AWS CloudHSM User Guide, "Set up quorum authentication for
 * AWS CloudHSM crypto users"). Fields beyond these are kept.
 */
export interface RegistrationTokenFile {
  /** The CLI's version of the format. */
  readonly version: "2.0";
  /** One for each service. */
  readonly tokens: readonly RegistrationToken[];
  readonly [field: string]: unknown;
}

const MAX_CHARACTERS = 65_536;
const WHAT = "the registration token file";

/**
 * Reads a registration token file of the CloudHSM CLI, signed or not.
 *
 * @param text the JSON: at most 65,536 characters, no member twice in one object, no number that JavaScript would round.
 * @throws ethers' INVALID_ARGUMENT for anything else; SignerError ACCESS_DENIED, with `info.reason` `"token-mismatch"`, where a
 *   token is not the SHA-256 of its approval data.
 */
export function parseRegistrationTokenFile(text: string): RegistrationTokenFile {
  const value = parseJsonObject(text, WHAT, MAX_CHARACTERS);
  assertArgument(value["version"] === "2.0", `${WHAT}: version must be "2.0"`, "text", "[not shown]");
  const tokens = readArray(value["tokens"], `${WHAT}: tokens`).map(readToken);
  if (tokens.length === 0) refuse(`${WHAT}: tokens is empty`);
  return { ...value, version: "2.0", tokens };
}

/** Writes a registration token file for the CloudHSM CLI, after the checks of {@link parseRegistrationTokenFile}. */
export function serializeRegistrationTokenFile(file: RegistrationTokenFile): string {
  const text = serializeJson(file, WHAT, MAX_CHARACTERS);
  parseRegistrationTokenFile(text);
  return text;
}

/**
 * Signs every token of a registration file, which proves to the HSM that its user holds the key that is being registered.
 *
 * It registers nothing: `user change-quorum token-sign register --public-key PEM --signed-token FILE` does, run by the user.
 *
 * @param publicKey checks what a function signed; a private key's own is always checked.
 * @throws ethers' INVALID_ARGUMENT for a key that is not RSA-2048, which it never shows, and for a file that is signed already;
 *   SignerError SIGNATURE_MISMATCH; whatever a signing function throws.
 */
export async function signRegistrationToken(
  file: RegistrationTokenFile,
  key: RsaPrivateKey | QuorumTokenSigner,
  { publicKey }: { readonly publicKey?: RsaPublicKey | undefined } = {},
): Promise<RegistrationTokenFile> {
  const copy = parseRegistrationTokenFile(serializeRegistrationTokenFile(file));
  const known = publicKey === undefined ? undefined : readPublicKey(publicKey, "the user");
  const tokens: RegistrationToken[] = [];
  for (const token of copy.tokens) {
    if (token.signed !== "") refuse(`${WHAT} is signed already: get a new one`);
    tokens.push({ ...token, signed: await signApprovalData(Buffer.from(token.approval_data, "base64"), key, known) });
  }
  return { ...copy, tokens };
}

function readToken(value: unknown, index: number): RegistrationToken {
  const what = `${WHAT}: tokens[${index}]`;
  const token = readObject(value, what);
  const { signed } = token;
  const checked = {
    ...token,
    approval_data: readBase64(token["approval_data"], `${what}: approval_data`),
    unsigned: readBase64(token["unsigned"], `${what}: unsigned`, 32),
    signed: signed === "" ? "" : readBase64(signed, `${what}: signed`, 256),
  };
  const digest = createHash("sha256").update(Buffer.from(checked.approval_data, "base64")).digest("base64");
  if (digest !== checked.unsigned) {
    throw quorumError("token-mismatch", `${what}: unsigned is not the SHA-256 of approval_data; get a new token`);
  }
  return checked;
}
