import type { KeyVaultKey } from "@azure/keyvault-keys";
import { assertArgument, getAddress, hashMessage, hexlify, randomBytes } from "ethers";
import type { StoredKey } from "../accounts/key-store.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { KEY_MATERIAL } from "./errors.ts";
import { passesFilter } from "./key-filter.ts";
import { formatKeyUrl, isKeyName, isManagedHsm } from "./key-url.ts";
import { addressOf, usableVersion } from "./key-version.ts";
import { PrivateKey } from "./private-key.ts";
import { type Call, send } from "./send.ts";
import {
  type AzureKeyVaultImportOptions,
  type AzureKeyVaultNewKeyOptions,
  type CheckedStoreOptions,
  checkTags,
} from "./store-options.ts";
import type { StoreSession } from "./store-session.ts";
import { strippedCause } from "./stripped-cause.ts";

interface NewKey {
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly hardware: boolean;
  readonly newVersion: boolean;
}

export async function createKey(session: StoreSession, options: AzureKeyVaultNewKeyOptions): Promise<StoredKey> {
  const key = checkNewKey(session.options, options);
  const { name, tags, hardware: hsm } = key;
  return session.run("create", options, async (call) => {
    await requireFreeName(session, key, call);
    const client = await session.client();
    const { value } = await send("create", call, (sdk) =>
      client.createEcKey(name, { ...sdk, curve: "P-256K", hsm, keyOps: ["sign", "verify"], tags }),
    );
    return session.storedKey(name, usableVersion(value, session.urlOf(name)));
  });
}

export async function importPrivateKey(
  session: StoreSession,
  value: string | Uint8Array,
  options: AzureKeyVaultImportOptions,
): Promise<StoredKey> {
  const key = checkNewKey(session.options, options);
  const expected = options.expectedAddress === undefined ? undefined : getAddress(options.expectedAddress);
  const privateKey = new PrivateKey(value);
  try {
    if (expected !== undefined && expected !== privateKey.address) throw otherAddress(expected, privateKey.address);
    const imported = await session.run("importKey", options, (call) => sendKey(session, key, privateKey, call));
    return await proveKey(session, key, imported, privateKey.address, options.signal);
  } finally {
    privateKey.wipe();
  }
}

async function sendKey(session: StoreSession, key: NewKey, privateKey: PrivateKey, call: Call): Promise<KeyVaultKey> {
  const { name, tags, hardware: hardwareProtected } = key;
  // It also makes sure that the client has its token before the private key is sent.
  await requireFreeName(session, key, call);
  const client = await session.client();
  const { value } = await send("import", call, (sdk) =>
    client.importKey(name, privateKey.jwk(hardwareProtected), { ...sdk, hardwareProtected, tags }),
  );
  return value;
}

/** Lets the vault sign something that can be no transaction, and verifies it against the address. */
async function proveKey(
  session: StoreSession,
  { name }: NewKey,
  imported: KeyVaultKey,
  address: string,
  signal: AbortSignal | undefined,
): Promise<StoredKey> {
  const url = session.urlOf(name);
  try {
    const stored = await session.storedKey(name, usableVersion(imported, url));
    const { timeout, verifier } = session.options;
    const signer = new RemoteSigner(stored.key, null, { expectedAddress: address, timeout, verifier });
    await signer.signDigest(hashMessage(`ethers-hsm proves an imported key ${hexlify(randomBytes(16))}`), { signal });
    return stored;
  } catch (error) {
    if (signal?.aborted || !isSignerError(error)) throw error;
    const keyId = imported.id ?? formatKeyUrl(url);
    const message = `${error.message}. The vault has the key now, as ${keyId}, but it is not proven that it signs for ${address}`;
    const { retryable, requestId, cause } = error;
    throw new SignerError(error.code, message, {
      backend: "azure-key-vault",
      keyId: formatKeyUrl(url),
      operation: "importKey",
      retryable,
      requestId,
      // The vault knows the key by now, and could repeat it.
      cause: cause === undefined ? undefined : strippedCause(cause, KEY_MATERIAL),
      info: { ...error.info, createdKeyId: keyId },
    });
  }
}

function checkNewKey({ vaultUrl, filter }: CheckedStoreOptions, options: AzureKeyVaultNewKeyOptions): NewKey {
  const { name, hardware = isManagedHsm(vaultUrl), newVersion = false } = options;
  assertArgument(isKeyName(name), "name must have 1 to 127 letters, digits and hyphens", "name", name);
  const tags = { ...filter.tags, ...checkTags(options.tags) };
  assertArgument(
    passesFilter(filter, { name, tags }),
    "the store would not list this key: let its name and tags be ones that the store's namePrefix and tags allow",
    "name",
    name,
  );
  return { name, tags, hardware, newVersion };
}

/** The service has no request that creates a key only where there is none: somebody else may be quicker than this. */
async function requireFreeName(session: StoreSession, { name, newVersion }: NewKey, call: Call): Promise<void> {
  const existing = await findKey(session, name, call);
  if (!existing || newVersion) return;
  const { keyId, address } = existing;
  throw new SignerError(
    "KEY_UNUSABLE",
    `the vault has a key ${keyId} (${address ?? "no known account"}) already, and nothing was changed: a new version of it ` +
      "would be another account in its place. Take another name, or permit that by newVersion",
    { keyId, info: { existing } },
  );
}

interface ExistingKey {
  readonly keyId: string;
  readonly address: string | undefined;
}

async function findKey(session: StoreSession, name: string, call: Call): Promise<ExistingKey | undefined> {
  const keyId = formatKeyUrl(session.urlOf(name));
  try {
    const key = await session.getKey(name, call);
    return { keyId, address: addressOf(key) };
  } catch (error) {
    if (!isSignerError(error)) throw error;
    if (error.info?.["statusCode"] === 404) return undefined;
    // The service shows no more of a key that is disabled.
    if (error.code === "KEY_UNUSABLE") return { keyId, address: undefined };
    throw error;
  }
}

function otherAddress(expected: string, actual: string): SignerError {
  return new SignerError(
    "ADDRESS_MISMATCH",
    `the private key is the account ${actual}, not the expectedAddress ${expected}; nothing was sent. Correct one of the two`,
    { backend: "azure-key-vault", operation: "importKey", info: { expected, actual } },
  );
}
