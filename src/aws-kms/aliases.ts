import { isSignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { pagesOf } from "./pages.ts";
import type { StoreRequests } from "./store-requests.ts";

// The most that the API gives: https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
const PAGE_SIZE = 100;

/** What the aliases of an account and Region say of its keys. */
export interface Aliases {
  /** By key id: the alias that is first in the alphabet, of those with the prefix. */
  readonly names: ReadonlyMap<string, string>;
  /** The ids of keys that AWS made for its services: their aliases begin with `alias/aws/`. */
  readonly awsManaged: ReadonlySet<string>;
}

/**
 * Reads all aliases, once for all keys. Where that is forbidden keys have no names, unless a prefix makes names decide.
 *
 * @throws SignerError
 */
export async function readAliases(
  requests: StoreRequests,
  prefix: string | undefined,
  options: CallOptions,
): Promise<Aliases> {
  const names = new Map<string, string>();
  const awsManaged = new Set<string>();
  try {
    const pages = pagesOf("ListAliases", (marker) => requests.listAliases({ Limit: PAGE_SIZE, ...marker }, options));
    for await (const { Aliases = [] } of pages) {
      for (const { AliasName: name, TargetKeyId: keyId } of Aliases) {
        if (name === undefined || keyId === undefined) continue;
        if (name.startsWith("alias/aws/")) awsManaged.add(keyId);
        else if (name.startsWith(prefix ?? "") && isFirst(name, names.get(keyId))) names.set(keyId, name);
      }
    }
  } catch (error) {
    if (prefix !== undefined || !isSignerError(error, "ACCESS_DENIED")) throw error;
  }
  return { names, awsManaged };
}

function isFirst(name: string, other: string | undefined): boolean {
  return other === undefined || name < other;
}
