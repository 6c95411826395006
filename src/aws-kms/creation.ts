import type { OriginType } from "@aws-sdk/client-kms";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { decodeAnswer } from "./answer.ts";
import type { CheckedCreation } from "./creation-options.ts";
import type { StoreRequests } from "./store-requests.ts";

/** Creates the key, without its alias. @returns its ARN. */
export async function createKey(
  requests: StoreRequests,
  { tags, description, multiRegion, policy }: CheckedCreation,
  origin: OriginType,
): Promise<string> {
  const answer = await requests.createKey({
    KeySpec: "ECC_SECG_P256K1",
    KeyUsage: "SIGN_VERIFY",
    Origin: origin,
    Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    ...(description === undefined ? {} : { Description: description }),
    ...(multiRegion === undefined ? {} : { MultiRegion: multiRegion }),
    ...(policy === undefined ? {} : { Policy: policy }),
  });
  return decodeAnswer(answer, "CreateKey", () => {
    const arn = answer.KeyMetadata?.Arn ?? answer.KeyMetadata?.KeyId;
    if (typeof arn === "string" && arn !== "") return arn;
    throw invalidResponse("CreateKey's answer does not name the key that it made; list the keys to find it", {
      backend: "aws-kms",
    });
  });
}

/**
 * Runs what follows once a key exists, so that no failure loses the key: each error names its ARN, in the message, in
 * `keyId` and in `info.createdKeyId`, and says what to do.
 */
export async function withCreatedKey<T>(arn: string, advice: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = isSignerError(error) ? error : undefined;
    const { requestId, info, operation } = known ?? {};
    const why = known?.message ?? "it failed with an error that is not KMS's; see the cause";
    throw new SignerError(known?.code ?? "BACKEND_UNAVAILABLE", `the key ${arn} was created, but ${why}. ${advice}`, {
      ...{ backend: "aws-kms", keyId: arn, operation },
      // To do all of it again would make another key.
      retryable: false,
      requestId,
      info: { ...info, createdKeyId: arn },
      cause: known ? known.cause : error,
    });
  }
}

/** Gives a key that can sign its alias, where one is wanted. */
export async function nameKey(requests: StoreRequests, arn: string, alias: string | undefined): Promise<void> {
  if (alias === undefined) return;
  const advice = `The key can sign, but has no alias: aws kms create-alias --alias-name ${alias} --target-key-id ${arn}`;
  await withCreatedKey(arn, advice, () => requests.createAlias({ AliasName: alias, TargetKeyId: arn }));
}
