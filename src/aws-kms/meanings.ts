import { ResponseTooLargeError } from "../signer/response-body.ts";
import { accessDeniedAdvice } from "./access-denied.ts";
import type { Asked, Failure } from "./failure.ts";
import type { Meaning } from "./meaning.ts";
import { STORE_MEANINGS } from "./store-meanings.ts";

const THROTTLED: Meaning = {
  code: "THROTTLED",
  advice:
    "the account's request quota in this Region is used up, also after the SDK's own repetitions; ask for less at once, " +
    "raise maxAttempts, or have the quota raised",
};
const FAILED: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "KMS failed by itself, also after the SDK's own repetitions; try again, and see AWS's health dashboard",
};
const CREDENTIALS_EXPIRED: Meaning = {
  code: "ACCESS_DENIED",
  advice: "the credentials have expired; log in again, or pass a provider that renews them instead of fixed ones",
};
const CREDENTIALS_UNKNOWN: Meaning = {
  code: "ACCESS_DENIED",
  advice:
    "AWS does not know the access key or the session token; check the credentials, and that they are of this partition",
};
const SIGNATURE_REFUSED: Meaning = {
  code: "ACCESS_DENIED",
  advice: "AWS refuses the request's signature; check the secret access key, the Region, and this machine's clock",
};
const NO_CREDENTIALS: Meaning = {
  code: "ACCESS_DENIED",
  advice: "no credentials could be had; pass credentials, or set up the SDK's chain (environment, profile, role)",
};
const NO_REGION: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "no usable Region is configured; pass region, name the key by its ARN, or set AWS_REGION",
  retryable: false,
};
const NOT_KMS: Meaning = {
  code: "BACKEND_RESPONSE_INVALID",
  advice: "the answer is none of KMS; check the endpoint, and proxies on the way there",
};

const REFUSED: Meaning = { code: "BACKEND_UNAVAILABLE", advice: "KMS refused the request", retryable: false };

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html#API_Sign_Errors
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html#API_GetPublicKey_Errors
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    "NotFoundException",
    {
      code: "KEY_NOT_FOUND",
      advice: "there is no such key or alias in this Region and account; check keyId and region",
    },
  ],
  ["InvalidArnException", { code: "KEY_NOT_FOUND", advice: "keyId is no ARN of a key or an alias; correct it" }],
  ["DisabledException", { code: "KEY_UNUSABLE", advice: "the key is disabled; enable it (kms:EnableKey)" }],
  [
    "KMSInvalidStateException",
    {
      code: "KEY_UNUSABLE",
      advice: "the key's state forbids it; cancel its deletion (kms:CancelKeyDeletion) or import its material",
    },
  ],
  [
    "InvalidKeyUsageException",
    {
      code: "KEY_UNUSABLE",
      advice:
        "the key does not sign with ECDSA_SHA_256; create one with KeySpec ECC_SECG_P256K1 and KeyUsage SIGN_VERIFY",
    },
  ],
  [
    "UnsupportedOperationException",
    {
      code: "KEY_UNUSABLE",
      advice: "it is no asymmetric key, or its key store cannot do this; use a key in AWS KMS itself",
    },
  ],
  [
    "IncorrectKeyException",
    { code: "KEY_UNUSABLE", advice: "KMS says that the request was meant for another key; check keyId" },
  ],
  [
    "ValidationException",
    { code: "KEY_UNUSABLE", advice: "KMS refuses the request as it stands; check keyId and grantTokens" },
  ],
  [
    "InvalidGrantTokenException",
    { code: "ACCESS_DENIED", advice: "a grant token is not valid; leave out grantTokens, or create the grant anew" },
  ],
  [
    "DryRunOperationException",
    {
      code: "BACKEND_RESPONSE_INVALID",
      advice: "nothing was signed: the client's middleware turned the request into a dry run; use a client without it",
    },
  ],
  ["KeyUnavailableException", { ...FAILED, advice: "the key is not available for the moment; try again" }],
  ["KMSInternalException", FAILED],
  ["DependencyTimeoutException", FAILED],
  ["InternalFailure", FAILED],
  ["InternalServerError", FAILED],
  ["InternalServiceException", FAILED],
  ["ServiceUnavailable", FAILED],
  ["ServiceUnavailableException", FAILED],
  ["ThrottlingException", THROTTLED],
  ["Throttling", THROTTLED],
  ["ThrottledException", THROTTLED],
  ["TooManyRequestsException", THROTTLED],
  ["RequestLimitExceeded", THROTTLED],
  ["LimitExceededException", THROTTLED],
  ["ExpiredTokenException", CREDENTIALS_EXPIRED],
  ["ExpiredToken", CREDENTIALS_EXPIRED],
  ["RequestExpired", SIGNATURE_REFUSED],
  ["UnrecognizedClientException", CREDENTIALS_UNKNOWN],
  ["InvalidClientTokenId", CREDENTIALS_UNKNOWN],
  ["MissingAuthenticationTokenException", NO_CREDENTIALS],
  ["MissingAuthenticationToken", NO_CREDENTIALS],
  ["InvalidSignatureException", SIGNATURE_REFUSED],
  ["SignatureDoesNotMatch", SIGNATURE_REFUSED],
  ["IncompleteSignatureException", SIGNATURE_REFUSED],
  ["IncompleteSignature", SIGNATURE_REFUSED],
  [
    "OptInRequired",
    { code: "ACCESS_DENIED", advice: "the account is not signed up for KMS in this Region; enable the Region" },
  ],
  [ResponseTooLargeError.NAME, NOT_KMS],
  ["CredentialsProviderError", NO_CREDENTIALS],
  ["TokenProviderError", NO_CREDENTIALS],
]);

// Of connections, and of resolvers: getaddrinfo and c-ares.
const UNREACHABLE =
  /^(ECONN[A-Z]+|EPIPE|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT)$/;
const TLS = /^(EPROTO|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** What a failed request means. Exceptions are told apart by name: their HTTP status is nearly always 400. */
export function meaningOf(failure: Failure, asked: Asked): Meaning {
  const { name, status = 0 } = failure;
  if (/^AccessDenied(Exception)?$/.test(name))
    return { code: "ACCESS_DENIED", advice: accessDeniedAdvice(failure, asked) };
  const known = MEANINGS.get(name) ?? STORE_MEANINGS.get(name);
  if (known) return known;
  if (status >= 500) return FAILED;
  if (status === 429) return THROTTLED;
  // The SDK could not read it: JSON is missing in an error, or something in a success.
  if (name === "SyntaxError" || (status >= 200 && status < 300)) return NOT_KMS;
  if (status > 0) return REFUSED;
  return withoutAnswer(failure);
}

function withoutAnswer({ name, code = "", text }: Failure): Meaning {
  const unreachable = "KMS cannot be reached; check region and endpoint, DNS, proxies, and the way out of this network";
  // A browser's fetch tells no more than that it failed.
  if (UNREACHABLE.test(code) || (name === "TypeError" && /fetch|load failed|network/i.test(text))) {
    return { code: "BACKEND_UNAVAILABLE", advice: unreachable };
  }
  if (TLS.test(code)) {
    const advice = "no secure connection to KMS; check the endpoint, and the certificate authorities that Node trusts";
    return { code: "BACKEND_UNAVAILABLE", advice, retryable: false };
  }
  if (code === "ETIMEDOUT" || name === "TimeoutError") {
    return {
      code: "BACKEND_TIMEOUT",
      advice: "KMS did not answer within the time that the client's requestHandler allows",
    };
  }
  if (name === "AbortError") {
    return { code: "BACKEND_UNAVAILABLE", advice: "the client ended the request before KMS answered; try again" };
  }
  if (/^Region (is missing|not accepted)/.test(text)) return NO_REGION;
  if (/credential/i.test(text)) return NO_CREDENTIALS;
  return {
    code: "BACKEND_UNAVAILABLE",
    advice: "the SDK failed before it had an answer; see the cause",
    retryable: false,
  };
}
