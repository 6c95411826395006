import { KmsKeyStore, type KmsStoreOptions } from "ethers-hsm/aws-kms";
import { type FailedKey, isStoredKey, type ListedKey, type StoredKey } from "../../src/accounts/key-store.ts";
import type { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { CREDENTIALS } from "./support.ts";

export function openStore(server: KmsServer, options: KmsStoreOptions = {}): KmsKeyStore {
  return new KmsKeyStore({ region: server.region, endpoint: server.url, credentials: CREDENTIALS, ...options });
}

export interface Listed {
  readonly stored: readonly StoredKey[];
  readonly failed: readonly FailedKey[];
}

/** A whole listing, by address and by id. */
export async function listAll(listing: AsyncIterable<ListedKey>): Promise<Listed> {
  const stored: StoredKey[] = [];
  const failed: FailedKey[] = [];
  for await (const listed of listing) {
    if (isStoredKey(listed)) stored.push(listed);
    else failed.push(listed);
  }
  return { stored, failed };
}

/** As a table that does not depend on the order. */
export function addressesOf({ stored }: Listed): string[] {
  return stored.map(({ address }) => address).sort();
}
