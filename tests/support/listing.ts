import { type FailedKey, isStoredKey, type ListedKey, type StoredKey } from "../../src/accounts/key-store.ts";

export interface Listing {
  readonly stored: StoredKey[];
  readonly failed: FailedKey[];
}

/** Everything that a listing gives, told apart. */
export async function collect(listed: AsyncIterable<ListedKey>): Promise<Listing> {
  const listing: Listing = { stored: [], failed: [] };
  for await (const key of listed) {
    if (isStoredKey(key)) listing.stored.push(key);
    else listing.failed.push(key);
  }
  return listing;
}
