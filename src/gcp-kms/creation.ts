import { encodeBase64, hexlify, randomBytes } from "ethers";
import type { StoredKey } from "../accounts/key-store.ts";
import type { Call } from "../backend/calls.ts";
import { outcomeUnknown, withCreatedKey } from "../backend/creation.ts";
import type { PrivateKey } from "../backend/private-key.ts";
import { proveKey } from "../backend/proof.ts";
import { retry } from "../backend/retry.ts";
import { wrapKey } from "../backend/wrapping.ts";
import { invalidResponse, SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { type GcpKmsListing, unusable } from "./listing.ts";
import type { NewKey } from "./options.ts";
import { bytesOfPem, type Message, readJobState, readVersionState, requireKind, requireName } from "./response.ts";

const BACKEND = "gcp-kms";
const ALGORITHM = "EC_SIGN_SECP256K1_SHA256";
// OAEP alone: the material, 135 bytes, fits, and WebCrypto has no AES key wrap with padding (RFC 5649).
const IMPORT_METHOD = "RSA_OAEP_4096_SHA256";

/**
 * Makes a key with its first version, or imports one. Cloud KMS itself refuses a name that is taken, before anything is made. The signal holds
 * until the key is being made: from then on a failure names it.
 */
export async function makeKey(
  listing: GcpKmsListing,
  key: NewKey,
  privateKey: PrivateKey | undefined,
  { signal }: CallOptions,
): Promise<StoredKey> {
  const operation = privateKey ? "importKey" : "createKey";
  signal?.throwIfAborted();
  const keyName = `${key.ring}/cryptoKeys/${key.name}`;
  const versionName = `${keyName}/cryptoKeyVersions/1`;
  const run = <T>(task: (call: Call) => Promise<T>) => listing.calls.run(operation, { keyId: versionName }, task);
  await outcomeUnknown(`gcloud kms keys describe ${keyName}`, () =>
    run((call) => createKey(listing, key, privateKey !== undefined, call)),
  );
  const hint = privateKey
    ? "The import is not proven: import again under another name. A key without a version costs nothing; destroy its version if there is one: " +
      `gcloud kms keys versions list --key ${keyName}`
    : `Find its version later, or have it destroyed: gcloud kms keys versions list --key ${keyName}`;
  return withCreatedKey(versionName, hint, { backend: BACKEND, operation }, async () => {
    if (privateKey) await importVersion(listing, key, privateKey, run);
    await run((call) => untilEnabled(listing, versionName, call));
    const publicKey = await run((call) => listing.learn(versionName, call));
    const stored = listing.stored(versionName, publicKey, key.name);
    if (privateKey) await proveKey(stored.key, privateKey.address, listing.options);
    return stored;
  });
}

async function createKey(listing: GcpKmsListing, key: NewKey, isImport: boolean, call: Call): Promise<void> {
  const { ring, name, tags, destroyScheduledDuration: seconds } = key;
  const request = {
    parent: ring,
    cryptoKeyId: name,
    cryptoKey: {
      purpose: "ASYMMETRIC_SIGN",
      versionTemplate: { protectionLevel: "HSM", algorithm: ALGORITHM },
      labels: tags,
      ...(seconds === undefined ? {} : { destroyScheduledDuration: `${seconds}s` }),
      ...(isImport ? { importOnly: true } : {}),
    },
    ...(isImport ? { skipInitialVersionCreation: true } : {}),
  };
  await listing.client.send("createCryptoKey", request, call, (message) => {
    requireName(message, `${ring}/cryptoKeys/${name}`);
  });
}

/** https://cloud.google.com/kms/docs/importing-a-key */
async function importVersion(
  listing: GcpKmsListing,
  key: NewKey,
  privateKey: PrivateKey,
  run: <T>(task: (call: Call) => Promise<T>) => Promise<T>,
): Promise<void> {
  const keyName = `${key.ring}/cryptoKeys/${key.name}`;
  const { importJob, pem } = await run((call) => openImportJob(listing, key.ring, call));
  const wrapped = await wrapKey(privateKey.pkcs8(), bytesOfPem(pem));
  privateKey.wipe();
  const request = { parent: keyName, algorithm: ALGORITHM, importJob, wrappedKey: encodeBase64(wrapped) };
  await run((call) => {
    return listing.client.send("importCryptoKeyVersion", request, call, (message) => {
      requireName(message, `${keyName}/cryptoKeyVersions/1`);
    });
  });
}

/** An import job of its own, which expires after three days. It cannot be deleted, and costs nothing. */
async function openImportJob(listing: GcpKmsListing, ring: string, call: Call) {
  const importJobId = `ethers-hsm-${hexlify(randomBytes(8)).slice(2)}`;
  const name = `${ring}/importJobs/${importJobId}`;
  const importJob = { importMethod: IMPORT_METHOD, protectionLevel: "HSM" };
  await listing.client.send("createImportJob", { parent: ring, importJobId, importJob }, call, (message) => {
    requireName(message, name);
  });
  const pem = await polled(call, () => {
    return listing.client.send("getImportJob", { name }, call, (message) => {
      requireName(message, name);
      const state = readJobState(message["state"]);
      if (state === "PENDING_GENERATION") return undefined;
      const { pem: text } = (message["publicKey"] ?? {}) as Message;
      if (state === "ACTIVE" && typeof text === "string") return text;
      throw invalidResponse(`the import job ${name} is ${state ?? "in no known state"}, or has no public key`);
    });
  });
  return { importJob: name, pem };
}

/** Until the HSM has made or imported the version. Needs cloudkms.cryptoKeyVersions.get. */
async function untilEnabled(listing: GcpKmsListing, name: string, call: Call): Promise<void> {
  await polled(call, () => {
    return listing.client.send("getCryptoKeyVersion", { name }, call, (message) => {
      requireName(message, name);
      requireKind(message, name);
      const state = readVersionState(message["state"]);
      if (state === "PENDING_GENERATION" || state === "PENDING_IMPORT") return undefined;
      if (state === "ENABLED") return true;
      throw unusable(name, state, message["importFailureReason"]);
    });
  });
}

/** Asks again, with growing pauses, until the result is not undefined; at the deadline it fails with BACKEND_TIMEOUT. */
async function polled<T>({ signal, endsAt }: Call, ask: () => Promise<T | undefined>): Promise<T> {
  const pending = new SignerError("BACKEND_TIMEOUT", "Cloud KMS was still at work at the deadline; raise timeout");
  const attempt = async () => {
    const result = await ask();
    if (result === undefined) throw pending;
    return result;
  };
  return retry(attempt, { signal, endsAt, when: (error) => (error === pending ? "backoff" : false) });
}
