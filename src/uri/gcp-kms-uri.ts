import type { UriComponent } from "./attributes.ts";
import type { GcpKmsKeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";
import { readVendorQuery } from "./vendor-query.ts";

// Nothing in a name has a character that a URI's path would have to encode. A project's id may have its domain before it.
const LOCATION = "projects/[a-z0-9.:-]+/locations/[a-z0-9-]+";
const ID = "[A-Za-z0-9_-]{1,63}";
const NAME = new RegExp(`^${LOCATION}(/keyRings/${ID}(/cryptoKeys/${ID}(/cryptoKeyVersions/[1-9][0-9]*)?)?)?$`);

/** A key version, or a key, a key ring or a location: the URI names a place then. */
export function readGcpKmsUri(path: UriComponent, query: UriComponent): GcpKmsKeyUri {
  const name = path.text;
  const [matched, , , version] = NAME.exec(name) ?? [];
  const example = "projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1";
  requireUri(matched !== undefined, `the full name of a key version must follow gcp-kms:, for example ${example}`);
  const { endpoint } = readVendorQuery(query, ["endpoint"]);
  const url = endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  requireUri(
    endpoint === undefined || (url && /^https?:$/.test(url.protocol)),
    "endpoint must be a URL of https: or http:",
  );
  requireUri(!url || (url.username === "" && url.password === ""), "endpoint must not hold a user name or a password");
  const options = {
    ...(version === undefined ? {} : { keyVersion: name }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
  return { backend: "gcp-kms", options, resource: name };
}

/** The key ring that a name is in; or the location, if it names none. */
export function placeOf(resource: string): string {
  return resource.split("/cryptoKeys/")[0] ?? resource;
}
