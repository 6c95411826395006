import { byName, readAttributes, textOf, type UriComponent } from "./attributes.ts";
import { requireUri } from "./refusal.ts";

// RFC 3986, section 3.4: what a query may hold, but for & between attributes.
const QUERY = { delimiter: "&", plain: /[\w.~!$'()*+,;=:@/?-]/ } as const;

/** The attributes of a vendor's URI. @throws ethers' INVALID_ARGUMENT for any but those of `known`, and for empty ones. */
export function readVendorQuery<Name extends string>(
  query: UriComponent,
  known: readonly Name[],
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const attribute of byName(readAttributes(query, QUERY)).values()) {
    const { name, position } = attribute;
    const own = known.find((each) => each === name);
    requireUri(own, `the attribute ${name} at position ${position} is unknown; known are ${known.join(", ")}`);
    const text = textOf(attribute);
    requireUri(text !== "", `the attribute ${name} at position ${position} is empty`);
    found[own] = text;
  }
  return found;
}

/** @throws ethers' INVALID_ARGUMENT for anything but `true` and `false`. */
export function readFlag(name: string, text: string | undefined): boolean | undefined {
  requireUri(text === undefined || text === "true" || text === "false", `${name} must be true or false`);
  return text === undefined ? undefined : text === "true";
}
