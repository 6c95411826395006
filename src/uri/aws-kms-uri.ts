import type { UriComponent } from "./attributes.ts";
import type { AwsKmsKeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";
import { readFlag, readVendorQuery } from "./vendor-query.ts";

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html: key ids, ARNs and aliases, none of which has a
// character that a URI's path would have to encode.
const KEY_ID = /^[\w:/-]{1,2048}$/;

/** Nothing for a key where the path is empty: the URI names an account's Region then. */
export function readAwsKmsUri(path: UriComponent, query: UriComponent): AwsKmsKeyUri["options"] {
  const keyId = path.text === "" ? undefined : path.text;
  const kinds = "a key id, a key ARN, an alias (alias/…) or an alias ARN";
  requireUri(keyId === undefined || KEY_ID.test(keyId), `${kinds} must follow aws-kms:`);
  const { region, profile, endpoint, useFipsEndpoint } = readVendorQuery(query, [
    "region",
    "profile",
    "endpoint",
    "useFipsEndpoint",
  ]);
  requireUri(region === undefined || /^[a-z\d-]+$/.test(region), "region must be a Region's name, such as eu-west-1");
  if (endpoint !== undefined) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    requireUri(url && /^https?:$/.test(url.protocol), "endpoint must be a URL of https: or http:");
    requireUri(url.username === "" && url.password === "", "endpoint must not hold a user name or a password");
  }
  const given = { keyId, region, profile, endpoint, useFipsEndpoint: readFlag("useFipsEndpoint", useFipsEndpoint) };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
