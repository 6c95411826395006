import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";
import { assertArgument } from "ethers";
import type { RemoteSignerOptions } from "../signer/remote-account.ts";
import { regionOf } from "./key-name.ts";

type AllOptional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/**
 * Which key, and how KMS is reached. Everything that the SDK's `KMSClient` accepts may stand here as well, for example
 * `profile`, `maxAttempts`, `retryMode`, `useFipsEndpoint` or `requestHandler`; what is absent is the SDK's own default,
 * from the environment and the shared configuration files.
 */
export interface KmsKeyOptions extends AllOptional<KMSClientConfig> {
  /** A key id, key ARN, alias name (`alias/…`) or alias ARN. A key of another account needs its ARN. */
  readonly keyId: string;
  /** Default: the Region of an ARN in `keyId`; else the SDK's own. */
  readonly region?: KMSClientConfig["region"] | undefined;
  /** Default: the SDK's own chain of providers. */
  readonly credentials?: KMSClientConfig["credentials"] | undefined;
  /** For a VPC endpoint or an emulator. Default: the Region's public endpoint. */
  readonly endpoint?: KMSClientConfig["endpoint"] | undefined;
  /** A client of one's own, which `close()` leaves open; in place of the options that configure one. */
  readonly client?: KMSClient | undefined;
  /** Tokens of grants that are too new to hold everywhere yet; they go with every request. */
  readonly grantTokens?: readonly string[] | undefined;
}

export type KmsSignerOptions = KmsKeyOptions & RemoteSignerOptions;

/** The options, checked. It holds credentials, so it is kept in a private field. */
export interface CheckedOptions {
  readonly keyId: string;
  readonly grantTokens: readonly string[] | undefined;
  readonly client: KMSClient | undefined;
  readonly config: KMSClientConfig;
}

/** @throws ethers' INVALID_ARGUMENT, which shows neither credentials nor grant tokens. */
export function checkOptions(options: KmsSignerOptions): CheckedOptions {
  const { keyId, client, grantTokens, expectedAddress: _address, timeout: _timeout, ...rest } = options;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  // 2048 is the API's own limit: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
  assertArgument(
    typeof keyId === "string" && keyId.length > 0 && keyId.length <= 2048,
    "keyId must be a key id, a key ARN, an alias (alias/…) or an alias ARN",
    "keyId",
    keyId,
  );
  assertArgument(
    client === undefined || typeof client.send === "function",
    "client must be a KMSClient",
    "client",
    "[REDACTED]",
  );
  assertArgument(
    client === undefined || given.length === 0,
    `client brings its own configuration: pass either client or ${given.map(([name]) => name).join(", ")}`,
    "client",
    "[REDACTED]",
  );
  assertArgument(
    grantTokens === undefined ||
      (Array.isArray(grantTokens) && grantTokens.every((token) => typeof token === "string")),
    "grantTokens must be a list of text",
    "grantTokens",
    "[REDACTED]",
  );
  const { endpoint } = rest;
  assertArgument(
    typeof endpoint !== "string" || (/^https?:/i.test(endpoint) && URL.canParse(endpoint)),
    "endpoint must be a URL, for example https://kms.eu-west-1.amazonaws.com",
    "endpoint",
    "[REDACTED]",
  );
  const region = regionOf(keyId);
  return {
    keyId,
    grantTokens: grantTokens && [...grantTokens],
    client,
    config: { ...(region === undefined ? {} : { region }), ...Object.fromEntries(given) },
  };
}
