import { decodeBase64 } from "ethers";
import { invalidResponse, SignerError } from "../../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../../core/signature.ts";
import { FAILED } from "./cli-connection.ts";
import type { CliFailure } from "./cli-failure.ts";
import { isSameReference, readReference } from "./cli-key.ts";

/** The command, and what errors name as their operation. */
export const SIGN = "crypto sign ecdsa";

/**
 * Reads r and s from the `data` of an answer to `crypto sign ecdsa`: 64 bytes in base64, by the key of this reference.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID for anything else.
 */
export function readSignature(data: Readonly<Record<string, unknown>>, reference: string): RawSignature {
  if (!isSameReference(readReference(data["key-reference"]), reference)) {
    throw invalidResponse("the CloudHSM CLI signed with another key", { operation: SIGN });
  }
  const { signature } = data;
  // 64 bytes: 22 groups of four, the last with two signs of padding.
  if (typeof signature !== "string" || !/^[A-Za-z0-9+/]{85}[AQgw]==$/.test(signature)) {
    throw invalidResponse("the CloudHSM CLI's signature is not r and s, 64 bytes in base64", { operation: SIGN });
  }
  return signatureFromCompact(decodeBase64(signature));
}

/** The error where the CLI was told to sign and did not answer: never to be repeated without asking. */
export function outcomeUnknown({ kind, detail: text }: CliFailure): SignerError {
  const message = `the CloudHSM CLI ${FAILED[kind]} after it was told to sign: it is unknown whether the HSM signed this digest`;
  const advice = "Nothing is repeated automatically; the next call asks for new approvals";
  return new SignerError(
    kind === "timeout" ? "BACKEND_TIMEOUT" : "BACKEND_UNAVAILABLE",
    `${message}. ${advice}. ${text}`.trim(),
    { operation: SIGN, retryable: false, info: { reason: "outcome-unknown" } },
  );
}
