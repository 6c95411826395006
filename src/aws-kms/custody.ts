import type { DescribeKeyCommandOutput } from "@aws-sdk/client-kms";
import { invalidResponse } from "../core/errors.ts";
import { findingsBy, type KeyCustody } from "../signer/custody.ts";
import { requireKeyArn } from "./response.ts";

/**
 * What DescribeKey says of a key's protection. KMS attests no key: all of it is AWS's word. Keys of custom key stores are never secp256k1.
 *
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if the response is not about the key.
 */
export function readCustody({ KeyMetadata: key }: DescribeKeyCommandOutput, arn: string): KeyCustody {
  requireKeyArn(key?.Arn ?? key?.KeyId, arn);
  const origin = key?.Origin;
  if (typeof origin !== "string") throw invalidResponse(`DescribeKey's response for ${arn} lacks Origin`);
  const generated = origin === "AWS_KMS" ? true : origin === "EXTERNAL" ? false : "unknown";
  const isImported = generated === "unknown" ? generated : !generated;
  const copy = generated === false ? ": a copy was outside" : "";
  const hardware =
    generated === "unknown" ? `Origin is ${origin.slice(0, 64)}` : "AWS states that KMS keys are in its HSMs";
  const replicated = typeof key?.MultiRegion === "boolean" ? key.MultiRegion : "unknown";
  return {
    findings: findingsBy("api", [
      ["hardware", generated === "unknown" ? generated : true, hardware],
      ["generatedInside", generated, `Origin is ${origin.slice(0, 64)}`],
      ["importedMaterial", isImported, `Origin is ${origin.slice(0, 64)}${copy}`],
      ["neverExtractable", generated, `Origin is ${origin.slice(0, 64)}${copy}`],
      ["exportable", generated === "unknown" ? generated : false, "KMS has no request that exports a private key"],
      ["replicated", replicated, `MultiRegion is ${replicated}`],
    ]),
  };
}
