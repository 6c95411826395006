import { assertArgument, type BytesLike, getBytesCopy, isBytesLike } from "ethers";
import type { QuorumApproval } from "../../approvals/approval.ts";
import { readText } from "../../approvals/json.ts";
import { type QuorumUsers, readUsers } from "../../approvals/merge.ts";
import type { ApprovalRequest } from "../../approvals/request.ts";
import { publicKeyFromSec1 } from "../../core/public-key.ts";
import { checkTimeout, type RemoteSignerOptions } from "../../signer/verified-key.ts";
import type { Password } from "./cli-connection.ts";
import type { KeyName } from "./cli-key.ts";
import { cliValue } from "./cli-line.ts";
import type { CliOptions } from "./cli-session.ts";

/**
 * Asks people: shows them the request, and gives back the approvals that came. It may take minutes.
 *
 * Rejecting refuses the signature. The signal aborts when approvals are of no more use: the caller gave up, time is over, the
 * signer was closed, or the login session that made the token ended; in the last case it is called again with a new request.
 */
export type ApproveQuorum = (
  request: ApprovalRequest,
  options: { readonly signal: AbortSignal },
) => Promise<readonly QuorumApproval[]>;

/** Which crypto user and key of an AWS CloudHSM cluster, and who approves. One of `keyLabel` and `keyReference` is needed. */
export interface CloudHsmQuorumKeyOptions {
  /** Default: `/opt/cloudhsm/bin/cloudhsm-cli`, where AWS's package cloudhsm-cli (Client SDK 5) puts it. */
  readonly cliPath?: string | undefined;
  /** Which cluster, where several are configured. */
  readonly clusterId?: string | undefined;
  /** The crypto user who asks: the key's owner, or one it is shared with. */
  readonly user: string;
  /** The user's password, or a function that gives it at each login. It goes through the CLI's standard input only. */
  readonly password: Password;
  /** The private key's label. */
  readonly keyLabel?: string | undefined;
  /** The private key's reference in the cluster: `0x` and hex. */
  readonly keyReference?: string | undefined;
  /** Shows the request to the approvers and gives what they answered. */
  readonly approve: ApproveQuorum;
  /** The RSA-2048 public keys that users registered, no key twice. With it, approvals are checked before the HSM sees them. */
  readonly approvers?: QuorumUsers | undefined;
  /** How many approvals to wait for, 2 to 8. Default: as many as the key asks for; never fewer. */
  readonly requiredApprovals?: number | undefined;
  /** Who asks, shown to approvers: up to 256 characters, none of them a control character. */
  readonly requester?: string | undefined;
  /** SEC1, for a CLI that does not show the key's point; where it does, the two must be the same. */
  readonly publicKey?: BytesLike | undefined;
  /** The longest wait for approvals, in milliseconds. Default: 570,000, since a token lives for 600,000. */
  readonly approvalTimeout?: number | undefined;
  /** The longest wait for one command of the CLI, in milliseconds. Default: 30,000. */
  readonly commandTimeout?: number | undefined;
}

export interface CloudHsmQuorumSignerOptions extends CloudHsmQuorumKeyOptions, Omit<RemoteSignerOptions, "timeout"> {
  /**
   * The longest wait for one signature as a whole, in milliseconds. Default: long enough for three rounds of approvals, about
   * 40 minutes; `approvalTimeout` and `commandTimeout` bound its parts.
   */
  readonly timeout?: number | undefined;
}

export interface CheckedOptions extends CliOptions {
  readonly password: Password;
  readonly key: KeyName;
  /** Shows the request to the approvers and gives what they answered. */
  readonly approve: ApproveQuorum;
  readonly approvers: QuorumUsers | undefined;
  readonly requiredApprovals: number | undefined;
  readonly requester: string | undefined;
  readonly publicKey: Uint8Array | undefined;
  readonly approvalTimeout: number;
}

const CLI_PATH = "/opt/cloudhsm/bin/cloudhsm-cli";
const APPROVAL_TIMEOUT = 570_000;
const COMMAND_TIMEOUT = 30_000;
/** How often approvals are asked for where the login session ends before they are used. */
export const ROUNDS = 3;
/** Logging in, listing, making a token and signing, and as much again for a queue. */
const COMMANDS_PER_ROUND = 8;

/** @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
export function checkQuorumOptions(options: CloudHsmQuorumKeyOptions): CheckedOptions {
  const { cliPath = CLI_PATH, clusterId, user, password, keyLabel, keyReference, approve, requiredApprovals } = options;
  assertArgument(isText(cliPath), "cliPath must be the path of cloudhsm-cli", "cliPath", cliPath);
  assertArgument(
    clusterId === undefined || /^[\w.-]+$/.test(clusterId),
    "clusterId must be an AWS name",
    "clusterId",
    clusterId,
  );
  assertArgument(isText(user) && /^[^:-][^:]*$/.test(user), "user must be a name without a colon", "user", user);
  cliValue(user, "user");
  assertArgument(
    typeof password === "function" || (isText(password) && !/[\r\n\0]/.test(password)),
    "password must be a string of one line, or a function that returns it",
    "password",
    "[REDACTED]",
  );
  assertArgument(
    typeof approve === "function",
    "approve must be a function that asks for approvals",
    "approve",
    approve,
  );
  assertArgument(
    requiredApprovals === undefined ||
      (Number.isInteger(requiredApprovals) && requiredApprovals >= 2 && requiredApprovals <= 8),
    "requiredApprovals must be 2 to 8",
    "requiredApprovals",
    requiredApprovals,
  );
  return {
    cliPath,
    clusterId,
    user,
    password,
    key: keyName(keyLabel, keyReference),
    approve,
    approvers: options.approvers === undefined ? undefined : readUsers(options.approvers),
    requiredApprovals,
    requester: options.requester === undefined ? undefined : readText(options.requester, "requester"),
    publicKey: options.publicKey === undefined ? undefined : readPublicKey(options.publicKey),
    approvalTimeout: checkTimeout(options.approvalTimeout ?? APPROVAL_TIMEOUT),
    commandTimeout: checkTimeout(options.commandTimeout ?? COMMAND_TIMEOUT),
  };
}

/** The options of RemoteSigner: its own default would cut every approval short. */
export function signerOptions(options: CloudHsmQuorumSignerOptions): RemoteSignerOptions {
  const { expectedAddress, verifier, policy, audit, requireCustody, observer } = options;
  const { approvalTimeout = APPROVAL_TIMEOUT, commandTimeout = COMMAND_TIMEOUT } = options;
  const enough = ROUNDS * (approvalTimeout + COMMANDS_PER_ROUND * commandTimeout);
  return {
    expectedAddress,
    verifier,
    policy,
    audit,
    requireCustody,
    observer,
    timeout: options.timeout ?? Math.min(enough, 2 ** 31 - 1),
  };
}

function keyName(label: string | undefined, reference: string | undefined): KeyName {
  assertArgument(
    (label === undefined) !== (reference === undefined),
    "pass keyLabel or keyReference",
    "keyLabel",
    label,
  );
  if (reference !== undefined) {
    assertArgument(
      typeof reference === "string" && /^0x[0-9a-f]{1,16}$/i.test(reference),
      "keyReference must be 0x and up to 16 hex digits",
      "keyReference",
      reference,
    );
    return { reference };
  }
  assertArgument(isText(label), "keyLabel must be a string", "keyLabel", label);
  cliValue(label, "keyLabel");
  return { label };
}

function readPublicKey(publicKey: BytesLike): Uint8Array {
  assertArgument(isBytesLike(publicKey), "publicKey must be SEC1 bytes", "publicKey", publicKey);
  try {
    return publicKeyFromSec1(getBytesCopy(publicKey));
  } catch (error) {
    assertArgument(false, (error as Error).message, "publicKey", publicKey);
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && !value.includes("\0");
}
