import type { KMSClientConfig } from "@aws-sdk/client-kms";
import { assertArgument } from "ethers";
import type { RemoteSignerOptions } from "../signer/verified-key.ts";
import { type CheckedClientOptions, checkClientOptions, type KmsClientOptions } from "./client-options.ts";
import { regionOf } from "./key-name.ts";

/** Which key, and how KMS is reached. */
export interface KmsKeyOptions extends KmsClientOptions {
  /** A key id, key ARN, alias name (`alias/…`) or alias ARN. A key of another account needs its ARN. */
  readonly keyId: string;
  /** Default: the Region of an ARN in `keyId`; else the SDK's own. */
  readonly region?: KMSClientConfig["region"] | undefined;
  /** Tokens of grants that are too new to hold everywhere yet; they go with every request. */
  readonly grantTokens?: readonly string[] | undefined;
}

/** The options of a `KmsSigner`: of its key, and of every signer. */
export type KmsSignerOptions = KmsKeyOptions & RemoteSignerOptions;

/** The options, checked. It holds credentials, so it is kept in a private field. */
export interface CheckedOptions extends CheckedClientOptions {
  readonly keyId: string;
  readonly grantTokens: readonly string[] | undefined;
}

/** @throws ethers' INVALID_ARGUMENT, which shows neither credentials nor grant tokens. */
export function checkOptions(options: KmsSignerOptions): CheckedOptions {
  const { keyId, grantTokens, expectedAddress: _address, timeout: _timeout, ...rest } = options;
  // 2048 is the API's own limit: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
  assertArgument(
    typeof keyId === "string" && keyId.length > 0 && keyId.length <= 2048,
    "keyId must be a key id, a key ARN, an alias (alias/…) or an alias ARN",
    "keyId",
    keyId,
  );
  assertArgument(
    grantTokens === undefined ||
      (Array.isArray(grantTokens) && grantTokens.every((token) => typeof token === "string")),
    "grantTokens must be a list of text",
    "grantTokens",
    "[REDACTED]",
  );
  const { client, config } = checkClientOptions(rest);
  const region = regionOf(keyId);
  return {
    keyId,
    grantTokens: grantTokens && [...grantTokens],
    client,
    config: { ...(region === undefined ? {} : { region }), ...config },
  };
}
