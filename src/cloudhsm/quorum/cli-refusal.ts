import { quorumError } from "../../approvals/errors.ts";
import { SignerError, type SignerErrorOptions } from "../../core/errors.ts";
import type { CliAnswer } from "./cli-answer.ts";
import { shownText } from "./cli-failure.ts";

/** The CLI says that no user is logged in: the command was not executed. */
export class LoggedOut extends Error {}

const LOGGED_OUT =
  /\b(?:not |be |been )?logged[ -](?:in|out|off)\b|\blog ?in (?:first|to run)|\bsession (?:has )?(?:expired|ended|closed)/i;
// Seen with version 5.18 of the CLI; "Quorum Failed" also in AWS's documentation.
const TOO_FEW = /too few quorum approvals|no token signatures/i;
const NOT_TAKEN = /invalid username-signature pair/i;
const QUORUM = /quorum/i;
const MATCHED = /selection criteria matched (\d+) keys/i;

/**
 * The `data` of an answer that succeeded.
 *
 * @param checked whether the approvals' signatures are known to be right.
 * @throws LoggedOut, or a SignerError. Nothing was signed.
 */
export function dataOf(answer: CliAnswer, operation: string, checked = false): Readonly<Record<string, unknown>> {
  if (answer.errorCode !== 0) throw refusal(answer, operation, checked);
  return typeof answer.data === "object" && answer.data !== null ? (answer.data as Record<string, unknown>) : {};
}

function refusal({ data }: CliAnswer, operation: string, checked: boolean): Error {
  const text = shownText(typeof data === "string" ? data : "");
  if (LOGGED_OUT.test(text)) return new LoggedOut(text);
  const said = `the CloudHSM CLI answered ${JSON.stringify(text)}`;
  const options: SignerErrorOptions = { operation, info: { answer: text } };
  if (TOO_FEW.test(text)) {
    return quorumError("too-few-approvals", `${said}: ask more of the key's users; the next call asks again`, options);
  }
  if (NOT_TAKEN.test(text)) {
    if (checked)
      return quorumError("token-reused", `${said}: the token was used before; the next call makes another`, options);
    const advice = "the token was used before, or an approval is not by the key that its user registered";
    return quorumError("quorum-failed", `${said}: ${advice}; pass approvers to tell which`, options);
  }
  if (QUORUM.test(text)) {
    const advice = "approvals are missing, or the token expired; the next call asks again";
    return quorumError("quorum-failed", `${said}: ${advice}`, options);
  }
  const matched = MATCHED.exec(text)?.[1];
  if (matched !== undefined) return keyCount(Number(matched), options);
  return new SignerError("BACKEND_UNAVAILABLE", `${said}; look it up in AWS's documentation`, {
    ...options,
    retryable: false,
  });
}

/** For any other number of keys than one. */
export function keyCount(count: number, options: SignerErrorOptions = {}): SignerError {
  if (count > 0) return new SignerError("KEY_UNUSABLE", `${count} private keys match: pass keyReference`, options);
  return new SignerError(
    "KEY_NOT_FOUND",
    "the crypto user sees no such private key; check the name, that the key is a private one, and that it is shared with the user",
    options,
  );
}
