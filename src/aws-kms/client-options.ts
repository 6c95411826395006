import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";
import { assertArgument } from "ethers";
import { discreetLogger } from "./discreet-logger.ts";

type AllOptional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/**
 * How KMS is reached. Everything that the SDK's `KMSClient` accepts may stand here as well, for example `profile`,
 * `maxAttempts`, `retryMode`, `useFipsEndpoint` or `requestHandler`; what is absent is the SDK's own default, from the
 * environment and the shared configuration files.
 */
export interface KmsClientOptions extends AllOptional<KMSClientConfig> {
  /** Default: the SDK's own. */
  readonly region?: KMSClientConfig["region"] | undefined;
  /** Default: the SDK's own chain of providers. */
  readonly credentials?: KMSClientConfig["credentials"] | undefined;
  /** For a VPC endpoint or an emulator. Default: the Region's public endpoint. */
  readonly endpoint?: KMSClientConfig["endpoint"] | undefined;
  /** A client of one's own, which `close()` leaves open; in place of the options that configure one. */
  readonly client?: KMSClient | undefined;
}

/** The options, checked. It holds credentials, so it is kept in a private field. */
export interface CheckedClientOptions {
  readonly client: KMSClient | undefined;
  readonly config: KMSClientConfig;
}

/** @throws ethers' INVALID_ARGUMENT, which shows no credentials. */
export function checkClientOptions({ client, ...rest }: KmsClientOptions): CheckedClientOptions {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
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
  const { endpoint } = rest;
  assertArgument(
    typeof endpoint !== "string" || (/^https?:/i.test(endpoint) && URL.canParse(endpoint)),
    "endpoint must be a URL, for example https://kms.eu-west-1.amazonaws.com",
    "endpoint",
    "[REDACTED]",
  );
  const config: KMSClientConfig = Object.fromEntries(given);
  return { client, config: config.logger ? { ...config, logger: discreetLogger(config.logger) } : config };
}
