import type { DescribeKeyCommandOutput } from "@aws-sdk/client-kms";
import { invalidResponse, SignerError } from "../core/errors.ts";
import { requireKeyArn } from "./answer.ts";

/** Can sign now; or is no key for Ethereum at all; or is one, but cannot sign, with the reason. */
export type KeyCondition = "usable" | "other" | SignerError;

// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html: a Multi-Region key signs while its primary Region is
// being changed.
const SIGNING: ReadonlySet<string> = new Set(["Enabled", "Updating"]);

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["Disabled", "enable it (kms:EnableKey)"],
  ["PendingDeletion", "cancel its deletion (kms:CancelKeyDeletion), or let it go"],
  ["PendingReplicaDeletion", "cancel its deletion (kms:CancelKeyDeletion), or let it go"],
  ["PendingImport", "import its material (kms:ImportKeyMaterial), or schedule its deletion (kms:ScheduleKeyDeletion)"],
  ["Creating", "wait until KMS has made the replica"],
]);

/** @throws SignerError BACKEND_RESPONSE_INVALID where DescribeKey's answer does not say it. */
export function conditionOf({ KeyMetadata: key }: DescribeKeyCommandOutput, asked: string): KeyCondition {
  const arn = requireKeyArn(key?.Arn ?? key?.KeyId, asked);
  // The older name of the same field, which is all that some emulators send.
  const spec = key?.KeySpec ?? key?.CustomerMasterKeySpec;
  if (spec === undefined || key?.KeyUsage === undefined || key.KeyState === undefined) {
    throw invalidResponse(`DescribeKey's answer for ${arn} lacks KeySpec, KeyUsage or KeyState`);
  }
  if (spec !== "ECC_SECG_P256K1" || key.KeyUsage !== "SIGN_VERIFY" || key.KeyManager === "AWS") return "other";
  if (SIGNING.has(key.KeyState)) return "usable";
  return new SignerError(
    "KEY_UNUSABLE",
    `the key ${arn} cannot sign, since its KeyState is ${key.KeyState}: ${ADVICE.get(key.KeyState) ?? "see its page in the console"}`,
    { retryable: key.KeyState === "Creating", info: { keyState: key.KeyState } },
  );
}
