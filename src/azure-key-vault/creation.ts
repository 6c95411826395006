import type { JsonWebKey, KeyVaultKey } from "@azure/keyvault-keys";
import type { StoredKey } from "../accounts/key-store.ts";
import type { Call } from "../backend/calls.ts";
import { outcomeUnknown, withCreatedKey } from "../backend/creation.ts";
import type { PrivateKey } from "../backend/private-key.ts";
import { proveKey } from "../backend/proof.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { formatKeyUrl, parseKeyUrl } from "./key-url.ts";
import { addressOf, usableVersion } from "./key-version.ts";
import type { VaultListing } from "./listing.ts";
import type { NewKey } from "./options.ts";

const BACKEND = "azure-key-vault";

/** Makes a key, or imports one and proves it. The signal holds until the request that makes it is sent: from then on a failure names the key. */
export async function makeKey(
  listing: VaultListing,
  key: NewKey,
  privateKey: PrivateKey | undefined,
  { signal }: CallOptions,
): Promise<StoredKey> {
  const operation = privateKey ? "importKey" : "createKey";
  const url = listing.urlOf(key.name);
  const keyId = formatKeyUrl(url);
  // It also makes sure that the client has its token before a private key is sent.
  await listing.calls.run(operation, { signal, keyId }, (call) => requireFreeName(listing, key, call));
  signal?.throwIfAborted();
  const look = `az keyvault key show --id ${keyId}`;
  const made = await outcomeUnknown(look, () =>
    listing.calls.run(operation, { keyId }, (call) =>
      privateKey ? importKey(listing, key, privateKey, call) : createKey(listing, key, call),
    ),
  );
  const version = parseKeyUrl(made.id) ? String(made.id) : keyId;
  const hint = privateKey ? `It is not proven that it signs for ${privateKey.address}` : `Look at it: ${look}`;
  return withCreatedKey(version, hint, { backend: BACKEND, operation }, async () => {
    const stored = await listing.stored(url, usableVersion(made, url));
    if (privateKey) await proveKey(stored.key, privateKey.address, listing.options);
    return stored;
  });
}

async function createKey({ client }: VaultListing, { name, tags, hardware: hsm }: NewKey, call: Call) {
  const { value } = await client.send("create", call, (sdk, options) =>
    sdk.createEcKey(name, { ...options, curve: "P-256K", hsm, keyOps: ["sign", "verify"], tags }),
  );
  return value;
}

async function importKey(
  { client }: VaultListing,
  { name, tags, hardware: hardwareProtected }: NewKey,
  privateKey: PrivateKey,
  call: Call,
): Promise<KeyVaultKey> {
  const { value } = await client.send("import", call, (sdk, options) =>
    sdk.importKey(name, jwkOf(privateKey, hardwareProtected), { ...options, hardwareProtected, tags }),
  );
  return value;
}

/** The key as Azure accepts it, on P-256K, its name for the curve. Its `d` is the private key's own bytes, which it wipes. */
function jwkOf(privateKey: PrivateKey, hardware: boolean): JsonWebKey {
  const { publicKey } = privateKey;
  return {
    kty: hardware ? "EC-HSM" : "EC",
    crv: "P-256K",
    keyOps: ["sign", "verify"],
    d: privateKey.bytes(),
    x: publicKey.slice(1, 33),
    y: publicKey.slice(33),
  };
}

/** The service has no request that makes a key only if there is none: another client may be quicker than this. */
async function requireFreeName(listing: VaultListing, { name, newVersion }: NewKey, call: Call): Promise<void> {
  const existing = await findKey(listing, name, call);
  if (!existing || newVersion) return;
  const { keyId, address } = existing;
  throw new SignerError(
    "KEY_EXISTS",
    `the vault has a key ${keyId} (${address ?? "no known account"}) already, and nothing was made: a new version of it ` +
      "would be another account in its place. Use another name, or permit that by newVersion",
    { ...call.context, keyId, info: { name, existing } },
  );
}

interface ExistingKey {
  readonly keyId: string;
  readonly address: string | undefined;
}

async function findKey(listing: VaultListing, name: string, call: Call): Promise<ExistingKey | undefined> {
  const url = listing.urlOf(name);
  const keyId = formatKeyUrl(url);
  try {
    return { keyId, address: addressOf(await listing.getKey(url, call)) };
  } catch (error) {
    if (!isSignerError(error)) throw error;
    if (error.code === "KEY_NOT_FOUND" && error.info?.["statusCode"] === 404) return undefined;
    // The service says no more of a key that is disabled.
    if (error.code === "KEY_UNUSABLE") return { keyId, address: undefined };
    throw error;
  }
}
