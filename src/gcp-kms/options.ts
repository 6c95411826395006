import { assertArgument } from "ethers";
import { checkConcurrency, checkNewName, checkNewTags, checkOnlyClient, checkTags } from "../backend/checks.ts";
import type { Verifier } from "../core/verify.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { checkTimeout, type RemoteSignerOptions } from "../signer/verified-key.ts";
import type { CallObserver } from "../telemetry/call-event.ts";
import { checkObserver } from "../telemetry/observe-call.ts";

/** Where requests get their `authorization` from: a `GoogleAuth`, `OAuth2Client` or any other client of google-auth-library. */
export interface GcpKmsCredential {
  /**
   * The headers that authorize a request.
   *
   * @param url Cloud KMS's own address, the audience of a token that is signed locally.
   */
  getRequestHeaders(url?: string): Promise<Headers | Readonly<Record<string, string>>>;
}

/** A `KeyManagementServiceClient` of @google-cloud/kms 5.7 or later: gRPC, or REST with `fallback: true`. */
export interface GcpKmsVendorClient {
  /** Prepares the client; called once. */
  initialize(): Promise<unknown>;
  /** Cloud KMS's GetPublicKey. */
  getPublicKey(request: object, options: object): Promise<readonly unknown[]>;
  /** Cloud KMS's AsymmetricSign. */
  asymmetricSign(request: object, options: object): Promise<readonly unknown[]>;
}

/** How Cloud KMS is reached. */
export interface GcpKmsClientOptions {
  /**
   * Default: Application Default Credentials by the package `google-auth-library`: GOOGLE_APPLICATION_CREDENTIALS, gcloud's login, the
   * metadata server.
   */
  readonly auth?: GcpKmsCredential | undefined;
  /** Default: `https://cloudkms.googleapis.com`. For a regional or private endpoint. http is accepted on this machine only. */
  readonly endpoint?: string | undefined;
  /** Default: the platform's. For a proxy, which Node's own `fetch` ignores unless it is told otherwise. */
  readonly fetch?: typeof fetch | undefined;
  /** A client of your own in place of `auth`, `endpoint` and `fetch`. It is never closed. */
  readonly client?: GcpKmsVendorClient | undefined;
  /** The longest wait for one call, retries included, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/** Which key, and how Cloud KMS is reached. */
export interface GcpKmsKeyOptions extends GcpKmsClientOptions {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`. The version is required: each is another account. */
  readonly keyVersion: string;
}

/** The options of a `GcpKmsSigner`: of its key, and of every signer. */
export type GcpKmsSignerOptions = GcpKmsKeyOptions & RemoteSignerOptions;

/** Which keys are the store's, and how Cloud KMS is reached. */
export interface GcpKmsStoreOptions extends GcpKmsClientOptions {
  /** `projects/P/locations/L` for all its key rings, or `projects/P/locations/L/keyRings/R` for one. */
  readonly parent: string;
  /** Only the keys whose id begins like this. */
  readonly namePrefix?: string | undefined;
  /** Only the keys that have all these labels, with just these values. Keys that the store makes get them. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The most requests in flight of one listing: 1 to 50. Default: 10. */
  readonly concurrency?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
  /** Watches the store's calls; those of its keys' signers have their own: see `RemoteSignerOptions.observer`. Default: none. */
  readonly observer?: CallObserver | undefined;
}

/** A new key: purpose ASYMMETRIC_SIGN, EC_SIGN_SECP256K1_SHA256, protection level HSM. The signal holds until it is being made. */
export interface GcpKmsCreateKeyOptions extends CallOptions {
  /** The key's id in its ring: 1 to 63 letters, digits, `-` and `_`. It can never be given to another key. */
  readonly name: string;
  /** The id of the key ring, which must exist. Default: the store's own, if its `parent` is a key ring. */
  readonly keyRing?: string | undefined;
  /** Labels, in addition to the store's own, which the key gets in any case. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** For how long a version stays restorable after it was scheduled for destruction: seconds. It cannot be changed. Default: Cloud KMS's, 30 days. */
  readonly destroyScheduledDuration?: number | undefined;
}

export interface GcpKmsImportKeyOptions extends GcpKmsCreateKeyOptions {
  /** The address that the private key must have, checked before anything is made: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
}

/** How requests are sent, checked. It holds credentials, so it is kept in private fields. */
export interface CheckedClientOptions {
  readonly auth: GcpKmsCredential | undefined;
  readonly endpoint: string;
  readonly fetch: typeof fetch | undefined;
  readonly client: GcpKmsVendorClient | undefined;
  readonly timeout: number;
}

export interface CheckedStoreOptions extends CheckedClientOptions {
  readonly parent: string;
  readonly namePrefix: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly verifier: Verifier | undefined;
  readonly observer: CallObserver | undefined;
}

/** A new key, checked and completed. */
export interface NewKey {
  readonly name: string;
  /** The full name of its key ring. */
  readonly ring: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly destroyScheduledDuration: number | undefined;
}

// A project's id may have its domain before it: example.com:treasury.
const LOCATION = "projects/[a-z0-9.:-]+/locations/[a-z0-9-]+";
const ID = "[A-Za-z0-9_-]{1,63}";
const PARENT = new RegExp(`^${LOCATION}(/keyRings/${ID})?$`);
const KEY = new RegExp(`^${LOCATION}/keyRings/${ID}/cryptoKeys/${ID}$`);
const VERSION = new RegExp(`^${LOCATION}/keyRings/${ID}/cryptoKeys/${ID}/cryptoKeyVersions/[1-9][0-9]*$`);
const EXAMPLE = "projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1";

/** @throws ethers' INVALID_ARGUMENT, which shows no credentials. */
export function checkKeyOptions(options: GcpKmsKeyOptions): CheckedClientOptions & { readonly keyVersion: string } {
  const { keyVersion } = options;
  assertArgument(
    typeof keyVersion !== "string" || !KEY.test(keyVersion),
    "keyVersion must name a version: each version of a key is another account, and an asymmetric key has no primary version. Append " +
      "/cryptoKeyVersions/1, or the number that you mean",
    "keyVersion",
    keyVersion,
  );
  assertArgument(
    typeof keyVersion === "string" && VERSION.test(keyVersion),
    `keyVersion must be the full name of a key version: ${EXAMPLE}`,
    "keyVersion",
    keyVersion,
  );
  return { ...checkClientOptions(options), keyVersion };
}

/** @throws ethers' INVALID_ARGUMENT, which shows no credentials. */
export function checkStoreOptions(options: GcpKmsStoreOptions): CheckedStoreOptions {
  const { parent, namePrefix = "", tags, concurrency, verifier, observer } = options;
  assertArgument(
    typeof parent === "string" && PARENT.test(parent),
    "parent must be projects/P/locations/L, or projects/P/locations/L/keyRings/R",
    "parent",
    parent,
  );
  assertArgument(typeof namePrefix === "string", "namePrefix must be a string", "namePrefix", namePrefix);
  const filter = { parent, namePrefix, tags: checkTags(tags) };
  const watched = { verifier, observer: checkObserver(observer) };
  return { ...checkClientOptions(options), ...filter, concurrency: checkConcurrency(concurrency), ...watched };
}

/** @throws ethers' INVALID_ARGUMENT, also for a key that the store itself would not list. */
export function checkNewKey(options: GcpKmsCreateKeyOptions, store: CheckedStoreOptions): NewKey {
  const { name, keyRing, tags, destroyScheduledDuration } = options;
  assertArgument(isId(name), "name must be 1 to 63 letters, digits, - and _", "name", name);
  checkNewName(name, store.namePrefix);
  const ofStore = store.parent.split("/keyRings/")[1];
  const id = keyRing ?? ofStore;
  assertArgument(
    isId(id) && (ofStore === undefined || ofStore === id),
    ofStore === undefined
      ? "keyRing must be the id of a key ring of the store's location: the key is made there"
      : `keyRing must be the store's own, ${ofStore}: the store would not list the key`,
    "keyRing",
    keyRing,
  );
  assertArgument(
    destroyScheduledDuration === undefined ||
      (Number.isSafeInteger(destroyScheduledDuration) && destroyScheduledDuration > 0),
    "destroyScheduledDuration must be an integer number of seconds",
    "destroyScheduledDuration",
    destroyScheduledDuration,
  );
  const ring = ofStore === undefined ? `${store.parent}/keyRings/${id}` : store.parent;
  return { name, ring, tags: checkNewTags(tags, store.tags), destroyScheduledDuration };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{1,63}$/.test(value);
}

const DEFAULT_ENDPOINT = "https://cloudkms.googleapis.com";

function checkClientOptions(options: GcpKmsClientOptions): CheckedClientOptions {
  const { auth, endpoint, fetch, client } = options;
  assertArgument(
    auth === undefined || typeof auth?.getRequestHeaders === "function",
    "auth must have getRequestHeaders, as GoogleAuth and the other clients of google-auth-library do",
    "auth",
    "[REDACTED]",
  );
  assertArgument(fetch === undefined || typeof fetch === "function", "fetch must be a function", "fetch", typeof fetch);
  assertArgument(
    client === undefined || (typeof client?.initialize === "function" && typeof client.asymmetricSign === "function"),
    "client must be a KeyManagementServiceClient of @google-cloud/kms",
    "client",
    "[REDACTED]",
  );
  checkOnlyClient(client, { auth, endpoint, fetch });
  return { auth, endpoint: checkEndpoint(endpoint), fetch, client, timeout: checkTimeout(options.timeout) };
}

function checkEndpoint(endpoint: string = DEFAULT_ENDPOINT): string {
  const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isLocal = url?.protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  assertArgument(
    url && (url.protocol === "https:" || isLocal) && url.href === `${url.origin}/`,
    "endpoint must be the https URL of a host, for example https://cloudkms.europe-west1.rep.googleapis.com",
    "endpoint",
    "[REDACTED]",
  );
  return url.origin;
}
