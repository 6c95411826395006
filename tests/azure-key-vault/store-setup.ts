import type { FailedKey, KeyStore, StoredKey } from "../../src/accounts/key-store.ts";
import { isStoredKey } from "../../src/accounts/key-store.ts";
import { AzureKeyVaultKeyStore, type AzureKeyVaultStoreOptions } from "../../src/azure-key-vault/index.ts";
import type { CallOptions } from "../../src/signer/remote-key.ts";
import { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { StaticCredential, TOKEN } from "./setup.ts";

/** A server that knows the token and holds nothing. */
export async function startEmptyServer(): Promise<KeyVaultServer> {
  const server = await KeyVaultServer.start();
  server.tokens.add(TOKEN);
  return server;
}

/** A store over the server. The SDK's retries keep their number, but not their pace. */
export function storeFor(server: KeyVaultServer, others: AzureKeyVaultStoreOptions = {}): AzureKeyVaultKeyStore {
  return new AzureKeyVaultKeyStore({
    vaultUrl: server.url,
    credential: new StaticCredential(),
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
    retryOptions: { retryDelayInMs: 1 },
    ...others,
  });
}

/** Puts key-0, key-1 and so on there. */
export function putMany(server: KeyVaultServer, count: number): void {
  for (let index = 0; index < count; index++) server.vault.put(`key-${index}`);
}

/** What is left of a listing. */
export async function restOf<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const rest: T[] = [];
  for await (const listed of listing) rest.push(listed);
  return rest;
}

interface Listing {
  readonly stored: StoredKey[];
  readonly failed: FailedKey[];
}

/** A whole listing, sorted by name. */
export async function listingOf(store: KeyStore, options?: CallOptions): Promise<Listing> {
  const stored: StoredKey[] = [];
  const failed: FailedKey[] = [];
  for await (const listed of store.list(options)) {
    if (isStoredKey(listed)) stored.push(listed);
    else failed.push(listed);
  }
  const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
    (a.name ?? "") < (b.name ?? "") ? -1 : 1;
  return { stored: stored.sort(byName), failed: failed.sort(byName) };
}

export function namesOf(keys: readonly { readonly name: string | undefined }[]): (string | undefined)[] {
  return keys.map(({ name }) => name);
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}
