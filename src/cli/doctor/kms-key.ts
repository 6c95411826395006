import type { DescribeKeyCommandOutput } from "@aws-sdk/client-kms";
import { isSignerError } from "../../core/errors.ts";
import { type CheckResult, failedStep } from "./checks.ts";

/** The key by DescribeKey, which signing does not need: a refusal is not a failure. */
export async function checkKmsKey(describe: () => Promise<DescribeKeyCommandOutput>): Promise<CheckResult<undefined>> {
  let metadata: DescribeKeyCommandOutput["KeyMetadata"];
  try {
    metadata = (await describe()).KeyMetadata;
  } catch (error) {
    if (!isSignerError(error, "ACCESS_DENIED") || error.requestId === undefined) throw error;
    return { detail: "not described: kms:DescribeKey is not granted, which signing does not need", value: undefined };
  }
  const { Arn, KeySpec, KeyUsage, KeyState, Origin, MultiRegion } = { ...metadata };
  const detail = [Arn, KeySpec, KeyUsage, KeyState, `origin ${Origin}`, ...(MultiRegion ? ["multi-Region"] : [])].join(
    ", ",
  );
  if (KeySpec !== "ECC_SECG_P256K1") {
    throw failedStep(`${detail}: it is not on Ethereum's curve; create one with KeySpec ECC_SECG_P256K1`);
  }
  if (KeyUsage !== "SIGN_VERIFY") {
    throw failedStep(`${detail}: it does not sign; create one with KeyUsage SIGN_VERIFY`);
  }
  if (KeyState !== "Enabled") throw failedStep(`${detail}: ${hintFor(KeyState)}`);
  const facts = { arn: Arn, keySpec: KeySpec, keyUsage: KeyUsage, keyState: KeyState, origin: Origin };
  return { detail, facts: { ...facts, multiRegion: MultiRegion === true }, value: undefined };
}

function hintFor(state: string | undefined): string {
  if (state === "Disabled") return "enable it (aws kms enable-key)";
  if (state === "PendingDeletion") return "cancel its deletion (aws kms cancel-key-deletion), then enable it";
  if (state === "PendingImport") return "import its material (ethers-hsm import makes a new key)";
  return "wait until it is Enabled";
}
