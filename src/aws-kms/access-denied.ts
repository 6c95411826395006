import type { Asked, Failure } from "./failure.ts";

// "User: <ARN> is not authorized to perform: kms:Sign on resource: <ARN> because <reason>"; on "this resource" where KMS does
// not say whether there is one. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
const IDENTITY = /^User: (?<identity>\S+) is not authorized/;
const RESOURCE = /on resource: (?<resource>\S+)/;
const EXPLICIT_DENY = /with an explicit deny in (?<policy>[^.]+)/;

/** Which permission is missing, on which key, and for whom where AWS says it. */
export function accessDeniedAdvice({ text }: Failure, { operation, keyId }: Asked): string {
  const identity = IDENTITY.exec(text)?.groups?.["identity"] ?? "the caller";
  const resource = RESOURCE.exec(text)?.groups?.["resource"] ?? keyId ?? "the key";
  const permission = `kms:${operation} on ${resource}`;
  const denying = EXPLICIT_DENY.exec(text)?.groups?.["policy"];
  if (denying) return `${denying} denies ${identity} ${permission}; have that statement changed`;
  // KMS answers alike for a key that does not exist and for one of another account.
  const orMissing = text.includes("does not exist in this Region")
    ? ", once keyId and region are known to be right"
    : "";
  return `grant ${identity} ${permission}, in the key policy or in an IAM policy that the key policy allows${orMissing}`;
}
