import type { HttpRequest } from "../support/loopback-server.ts";
import { KmsException } from "./exceptions.ts";

/** Who asks, as far as the request says. */
export interface Caller {
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
  /** The ARN by which AWS's messages name the caller. */
  readonly identity: string;
}

/** Credentials that the server refuses, as AWS does. All others are good. */
export const UNKNOWN_ACCESS_KEY = "AKIAUNKNOWNUNKNOWN00";
export const EXPIRED_TOKEN = "expired-session-token";
export const WRONG_SECRET_ACCESS_KEY = "AKIAWRONGSECRET00000";

// AWS General Reference, "Signature Version 4": a request is good for five minutes, either way.
const MAX_SKEW_MS = 300_000;
const SIGNED = ["host", "x-amz-date", "x-amz-target"];

/**
 * The caller of a request that is signed with Signature Version 4 for KMS in this Region. That the parts are there and
 * cover the request is checked; the signature is not computed again.
 */
export function requireSignature({ headers }: HttpRequest, region: string): Caller {
  const { authorization } = headers;
  if (authorization === undefined) {
    throw new KmsException("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=[\da-f]{64}$/;
  const [, accessKeyId = "", day = "", scope, service, signed = ""] = parts.exec(authorization) ?? [];
  if (!SIGNED.every((name) => signed.split(";").includes(name)) || service !== "kms") {
    throw new KmsException(
      "IncompleteSignatureException",
      `Authorization header is incomplete. Authorization=${authorization}`,
    );
  }
  if (scope !== region || !String(headers["x-amz-date"]).startsWith(day)) {
    const text = `Credential should be scoped to a valid region, not '${scope}'. `;
    throw new KmsException("InvalidSignatureException", text);
  }
  requireTime(String(headers["x-amz-date"]));
  const sessionToken = headers["x-amz-security-token"];
  if (accessKeyId === UNKNOWN_ACCESS_KEY) {
    throw new KmsException("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  if (sessionToken === EXPIRED_TOKEN) {
    throw new KmsException("ExpiredTokenException", "The security token included in the request is expired");
  }
  if (accessKeyId === WRONG_SECRET_ACCESS_KEY) {
    // The second part shows the headers that were signed, the session token among them.
    const text =
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
      "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request " +
      `should have been\n'POST\n/\n\nx-amz-security-token:${sessionToken}'`;
    throw new KmsException("InvalidSignatureException", text);
  }
  const token = Array.isArray(sessionToken) ? sessionToken[0] : sessionToken;
  return { accessKeyId, sessionToken: token, identity: `arn:aws:iam::111122223333:user/${accessKeyId}` };
}

/** @param signedAt the time of the caller's clock: 20260101T000000Z. */
function requireTime(signedAt: string): void {
  const skew = Date.parse(signedAt.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5")) - Date.now();
  if (Math.abs(skew) <= MAX_SKEW_MS) return;
  const limit = basicTime(Date.now() + Math.sign(skew) * MAX_SKEW_MS);
  const text =
    skew < 0
      ? `Signature expired: ${signedAt} is now earlier than ${limit} (${basicTime(Date.now())} - 5 min.)`
      : `Signature not yet current: ${signedAt} is still later than ${limit} (${basicTime(Date.now())} + 5 min.)`;
  throw new KmsException("InvalidSignatureException", text);
}

function basicTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, "");
}
