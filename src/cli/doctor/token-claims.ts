// Azure documentation, "National clouds": whose tokens a vault takes.
const RESOURCES: readonly (readonly [suffix: RegExp, resource: string])[] = [
  [/\.managedhsm\.azure\.net$/, "https://managedhsm.azure.net"],
  [/\.azure\.cn$/, "https://vault.azure.cn"],
  [/\.usgovcloudapi\.net$/, "https://vault.usgovcloudapi.net"],
];

/** What a token for a vault is asked for. */
export function scopeOf(vaultUrl: string): string {
  const { hostname } = new URL(vaultUrl);
  const [, resource = "https://vault.azure.net"] = RESOURCES.find(([suffix]) => suffix.test(hostname)) ?? [];
  return `${resource}/.default`;
}

const CLAIMS = [
  ["oid", "object"],
  ["appid", "application"],
  ["azp", "application"],
  ["upn", "user"],
  ["tid", "tenant"],
  ["xms_mirid", "managed identity"],
] as const;

/** Whose token it is, by its claims (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference). */
export function claimsOf(token: string): { readonly text: string; readonly facts: Readonly<Record<string, string>> } {
  const claims = payloadOf(token);
  const facts: Record<string, string> = {};
  const parts: string[] = [];
  for (const [name, meaning] of CLAIMS) {
    const value = claims[name];
    if (typeof value !== "string") continue;
    facts[name] = value;
    parts.push(`${meaning} ${value}`);
  }
  const text = parts.length > 0 ? parts.join(", ") : "a token that does not say whose it is";
  return { text, facts };
}

/** Nothing is verified: the service does that. Empty if the token is not a JSON Web Token. */
function payloadOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const [, payload = ""] = token.split(".");
    return { ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object) };
  } catch {
    return {};
  }
}
