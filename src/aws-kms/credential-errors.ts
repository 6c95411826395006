import type { KMSClientConfig } from "@aws-sdk/client-kms";
import type { ErrorMapping, Failure } from "../backend/failure.ts";
import { redactText } from "../backend/failure.ts";
import { transportMapping } from "../backend/transport.ts";

type Logger = NonNullable<KMSClientConfig["logger"]>;

const STS = "AWS STS";
const SSO = "AWS IAM Identity Center (SSO)";
const PROCESS = "the credential process";
const CONTAINER = "the container credentials agent";
const IMDS = "the EC2 instance metadata service";
const UNNAMED = "the source of the credentials";

// What the SDK's chain of providers tells its logger when it turns to a source.
const SOURCES: readonly (readonly [pattern: RegExp, source: string])[] = [
  [/fromTokenFile|fromWebToken|AssumeRole|client-sts/i, STS],
  [/fromSSO|credential-provider-sso/, SSO],
  [/fromProcess/, PROCESS],
  [/fromHttp|fromContainerMetadata/, CONTAINER],
  [/fromInstanceMetadata|remoteProvider/, IMDS],
];
const START = /defaultProvider::fromEnv|AWS_PROFILE is set, skipping/;
const REASON = /^@smithy\/property-provider (?:->|\(!\)) (?<reason>.*)$/s;
// Settings that are absent, and the sum of all.
const IRRELEVANT = /^(Not found in|AWS_PROFILE is set|AWS_EC2_METADATA_V1|Could not load credentials from any)/;
const NOT_CONFIGURED =
  /^(Unable to find environment|Skipping SSO|Could not resolve credentials using profile: \[default\]|Profile default could|Web identity configuration not|EC2 Instance Metadata Service access disabled)/;
// The profile's command line, and what the command printed: either may hold a secret.
const COMMAND = /^Command failed: .*$/s;
const MAX_LINES = 50;

/** What the SDK's chain of credential providers tried last: it keeps the reasons from its error, but not from its logger. */
export class CredentialTrail {
  #lines: string[] = [];

  /** Has `debug`, `warn` and `error` alone if there is none of the caller's: the SDK prepares what it tells `info` at each request. */
  logger(own: Logger | undefined): Logger {
    const debug = (...content: unknown[]) => {
      this.#note(content);
      own?.debug(...content);
    };
    return own ? { ...own, debug } : ({ debug, warn: () => {}, error: () => {} } as unknown as Logger);
  }

  /** The source that is being tried, or was tried last. */
  get current(): string {
    return this.last.source ?? UNNAMED;
  }

  /** The source that gave a reason first, with that reason; else the one that was tried last. */
  get last(): { readonly source: string | undefined; readonly reason: string | undefined } {
    let source: string | undefined;
    for (const line of this.#lines) {
      source = SOURCES.find(([pattern]) => pattern.test(line))?.[1] ?? source;
      const { reason } = REASON.exec(line)?.groups ?? {};
      if (reason === undefined || IRRELEVANT.test(reason)) continue;
      if (!NOT_CONFIGURED.test(reason))
        return { source, reason: redactText(reason.replace(COMMAND, "Command failed")) };
      source = undefined;
    }
    return { source, reason: undefined };
  }

  #note([line]: readonly unknown[]): void {
    if (typeof line !== "string") return;
    if (START.test(line)) this.#lines = [];
    if (this.#lines.length < MAX_LINES && (REASON.test(line) || /credential-provider|client-sts/.test(line))) {
      this.#lines.push(line);
    }
  }
}

const THROTTLED: ErrorMapping = {
  code: "THROTTLED",
  hint: "it asks for fewer requests; try again, and keep one client for all signers of a process",
};

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
const STS_ERRORS: Readonly<Record<string, ErrorMapping>> = {
  InvalidIdentityToken: {
    code: "ACCESS_DENIED",
    hint: "it does not accept the identity token; check that the role's account has an IAM OIDC identity provider for the token's issuer and audience",
  },
  ExpiredToken: {
    code: "ACCESS_DENIED",
    hint: "the token or the credentials of its caller have expired; have the token file or the source profile renewed",
  },
  IDPCommunicationError: {
    code: "BACKEND_UNAVAILABLE",
    hint: "it could not reach the identity provider that issued the token; try again",
  },
  IDPRejectedClaim: { code: "ACCESS_DENIED", hint: "the identity provider rejected the token; get a new one" },
  RegionDisabled: {
    code: "ACCESS_DENIED",
    hint: "STS is not active in this Region; activate it in the account settings of IAM, or use another Region's STS",
  },
  InvalidClientTokenId: { code: "ACCESS_DENIED", hint: "it does not know the access key of the source credentials" },
  SignatureDoesNotMatch: {
    code: "ACCESS_DENIED",
    hint: "check the secret access key of the source credentials, and this machine's clock",
  },
};

/**
 * What a failure before any request to KMS means, and whose it is: KMS was never asked, so no permission of KMS helps.
 *
 * @param thrown what the SDK threw, to tell the service by its class.
 */
export function credentialFailure(
  thrown: unknown,
  failure: Failure,
  trail: CredentialTrail,
): { readonly failure: Failure; readonly mapping: ErrorMapping } {
  const { source: visited, reason } = trail.last;
  const isSum = /^Could not load credentials from any providers/.test(failure.text);
  const source =
    serviceOf(thrown) ?? (/\bsts:/.test(failure.text) ? STS : /\bSSO\b/.test(failure.text) ? SSO : visited);
  const text = isSum && reason !== undefined ? `${failure.text}: ${reason}` : failure.text;
  const named = { ...failure, source: source ?? UNNAMED, text };
  return { failure: named, mapping: isSum ? nothingFound(named, reason) : credentialMapping(named) };
}

/** The service whose class the error has: `STSServiceException` and its siblings, as long as a bundler keeps names. */
function serviceOf(thrown: unknown): string | undefined {
  for (let at = thrown; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at)) {
    const { name } = (at as { constructor: { name: string } }).constructor ?? {};
    if (name === "STSServiceException") return STS;
    if (/^(SSO|SSOOIDC|Signin)ServiceException$/.test(name)) return SSO;
  }
  return undefined;
}

function credentialMapping(failure: Failure): ErrorMapping {
  const { source, name, text, status = 0, platformCode } = failure;
  const code = name.replace(/Exception$/, "");
  const known = source === STS ? STS_ERRORS[code] : undefined;
  if (known) return known;
  if (status === 429 || /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown)/.test(code)) return THROTTLED;
  if (status >= 500) return { code: "BACKEND_UNAVAILABLE", hint: "it reported an internal error; try again" };
  if (name === "SyntaxError" || /parse error|deserialization|is not valid JSON|unescaped characters/i.test(text)) {
    return {
      code: "BACKEND_RESPONSE_INVALID",
      hint: `the response is not one of ${source}; check its endpoint, and what answers in its place: a proxy, a captive portal`,
    };
  }
  if (platformCode === "ENOENT" || platformCode === "EACCES") {
    return {
      code: "ACCESS_DENIED",
      hint: "a file with credentials or a token cannot be read; check its path and permissions",
    };
  }
  const transport = transportMapping(failure, source);
  if (transport) return transport;
  if (status >= 400) return { code: "ACCESS_DENIED", hint: source === STS ? trustHint(text) : deniedHint(source) };
  if (/^(Credentials|Token)ProviderError$/.test(name) || /credential|token/i.test(text)) {
    return { code: "ACCESS_DENIED", hint: deniedHint(source) };
  }
  return { code: "BACKEND_UNAVAILABLE", hint: "it failed with an unexpected error; see the cause", retryable: false };
}

// "User: <ARN> is not authorized to perform: sts:AssumeRole on resource: <ARN>"; "Not authorized to perform sts:AssumeRoleWithWebIdentity"
const ASSUME =
  /(?:User: (?<identity>\S+) is )?not authorized to perform:? (?<action>sts:\w+)(?: on resource: (?<role>\S+))?/i;

function trustHint(text: string): string {
  const { identity, action = "sts:AssumeRole", role = "the role" } = ASSUME.exec(text)?.groups ?? {};
  if (action === "sts:AssumeRoleWithWebIdentity") {
    return `let the trust policy of the role allow ${action} for the token's issuer, subject and audience; check AWS_ROLE_ARN or role_arn`;
  }
  return `let the trust policy of ${role} allow ${action} for ${identity ?? "the caller"}, whose own policy must allow it as well`;
}

function deniedHint(source: string): string {
  if (source === SSO) return "log in again (aws sso login), or check the account and the role that the profile names";
  if (source === PROCESS) return "run the profile's credential_process by hand; it must print the JSON of version 1";
  if (source === IMDS) return "attach an instance profile to the instance, or check AWS_EC2_METADATA_DISABLED";
  return "pass credentials that are complete, or set up the SDK's chain (environment, profile, role)";
}

/** The chain came to its end. Without a reason in the trail the SDK says of none of its sources why. */
function nothingFound(failure: Failure, reason: string | undefined): ErrorMapping {
  const { source } = failure;
  if (source === CONTAINER) {
    return {
      code: "BACKEND_UNAVAILABLE",
      hint:
        "it gave no credentials: out of reach, throttling, or a refusal, which the SDK does not say. Check the task role or pod " +
        "identity, and AWS_CONTAINER_CREDENTIALS_FULL_URI or …_RELATIVE_URI",
    };
  }
  if (source === PROCESS) return { code: "ACCESS_DENIED", hint: deniedHint(source) };
  const last = source === IMDS ? "; the instance metadata service was tried last, and gave none" : "";
  return {
    code: "ACCESS_DENIED",
    hint:
      `no AWS credentials found${reason === undefined ? last : ""}. Pass credentials, or set up the SDK's chain: environment, ` +
      "profile, role of the container or the instance",
  };
}
