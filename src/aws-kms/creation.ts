import type { StoredKey } from "../accounts/key-store.ts";
import type { Call } from "../backend/calls.ts";
import { outcomeUnknown, withCreatedKey } from "../backend/creation.ts";
import type { PrivateKey } from "../backend/private-key.ts";
import { proveKey } from "../backend/proof.ts";
import { retryUntilConsistent } from "../backend/retry.ts";
import { wrapKey } from "../backend/wrapping.ts";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse, SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { KmsListing } from "./listing.ts";
import type { NewKey } from "./options.ts";
import { decodeResponse, requireKeyArn } from "./response.ts";

const BACKEND = "aws-kms";

/**
 * Makes a key, or imports one, and gives it its alias at last, so that an alias never names a key that cannot sign. The signal holds
 * until CreateKey is sent: from then on a failure names the key.
 */
export async function makeKey(
  listing: KmsListing,
  key: NewKey,
  privateKey: PrivateKey | undefined,
  { signal }: CallOptions,
): Promise<StoredKey> {
  const operation = privateKey ? "importKey" : "createKey";
  await requireFreeName(listing, key, operation, { signal });
  signal?.throwIfAborted();
  const arn = await outcomeUnknown("aws kms list-keys, or by the tags", () =>
    listing.calls.run(operation, {}, (call) => create(listing, key, privateKey, call)),
  );
  const context = { backend: BACKEND, operation };
  const deletion = `aws kms schedule-key-deletion --key-id ${arn}`;
  const hint = privateKey
    ? `The import is not proven: have the key deleted (${deletion}), then import again`
    : `Find its public key later, or have it deleted: ${deletion}`;
  const stored = await withCreatedKey(arn, hint, context, async () => {
    if (privateKey) await importMaterial(listing, arn, privateKey);
    const made = await learn(listing, arn, key, operation);
    if (privateKey) await prove(listing, made, privateKey.address);
    return made;
  });
  const { name } = key;
  if (name === undefined) return stored;
  const naming = `The key can sign, but has no alias: aws kms create-alias --alias-name ${name} --target-key-id ${arn}`;
  await withCreatedKey(arn, naming, context, () =>
    listing.calls.run(operation, { keyId: arn }, (call) =>
      listing.client.send("CreateAlias", { AliasName: name, TargetKeyId: arn }, call),
    ),
  );
  return stored;
}

/** CreateAlias comes last: an alias that exists must be found before a key is made that it cannot name. */
async function requireFreeName(listing: KmsListing, { name }: NewKey, operation: string, options: CallOptions) {
  const existing = name === undefined ? undefined : await listing.findAlias(name, options);
  if (existing === undefined) return;
  throw new SignerError(
    "KEY_EXISTS",
    `the alias ${name} exists already and names ${existing}; nothing was made. Choose another name, or delete the alias`,
    { backend: BACKEND, keyId: existing, operation, info: { name, existing } },
  );
}

/** Without its alias. @returns its ARN. */
async function create(
  listing: KmsListing,
  key: NewKey,
  privateKey: PrivateKey | undefined,
  call: Call,
): Promise<string> {
  const { tags, description, multiRegion, policy } = key;
  const input = {
    KeySpec: "ECC_SECG_P256K1",
    KeyUsage: "SIGN_VERIFY",
    Origin: privateKey ? "EXTERNAL" : "AWS_KMS",
    Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    ...(description === undefined ? {} : { Description: description }),
    ...(multiRegion === undefined ? {} : { MultiRegion: multiRegion }),
    ...(policy === undefined ? {} : { Policy: policy }),
  } as const;
  const response = await listing.client.send("CreateKey", input, call);
  return decodeResponse(response, call.context.operation ?? "createKey", () => {
    const arn = response.KeyMetadata?.Arn ?? response.KeyMetadata?.KeyId;
    if (typeof arn === "string" && arn !== "") return arn;
    throw invalidResponse("CreateKey's response does not name the key that it made; list the keys to find it");
  });
}

/** The public key of a key that has just been made, which KMS may not know everywhere yet. */
async function learn(listing: KmsListing, arn: string, { name }: NewKey, operation: string): Promise<StoredKey> {
  await retryUntilConsistent(
    () => listing.calls.run(operation, { keyId: arn }, (call) => listing.learn(arn, call)),
    ["KEY_NOT_FOUND", "KEY_UNUSABLE"],
  );
  const stored = listing.stored(arn, name);
  if (!stored) throw invalidResponse(`${arn} is not known, although its public key was read`);
  return stored;
}

async function prove({ options }: KmsListing, { key }: StoredKey, address: string): Promise<void> {
  await retryUntilConsistent(() => proveKey(key, address, options), ["KEY_NOT_FOUND", "KEY_UNUSABLE"]);
}

/**
 * Brings the material into a key that waits for it (Origin EXTERNAL, KeyState PendingImport).
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
 */
async function importMaterial(listing: KmsListing, arn: string, privateKey: PrivateKey): Promise<void> {
  const { calls, client } = listing;
  const parameters = { KeyId: arn, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_4096" } as const;
  const run = <T>(task: (call: Call) => Promise<T>) => calls.run("importKey", { keyId: arn }, task);
  const given = await retryUntilConsistent(
    () => run((call) => client.send("GetParametersForImport", parameters, call)),
    ["KEY_NOT_FOUND"],
  );
  const { token, publicKey } = decodeResponse(given, "importKey", () => {
    requireKeyArn(given.KeyId, arn);
    return {
      token: copyBytes(given.ImportToken, "ImportToken"),
      publicKey: copyBytes(given.PublicKey, "PublicKey"),
    };
  });
  const material = {
    KeyId: arn,
    ImportToken: token,
    EncryptedKeyMaterial: await wrapKey(privateKey.pkcs8(), publicKey),
    // The default would have the key lose its material at a date.
    ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
  } as const;
  privateKey.wipe();
  await run((call) => client.send("ImportKeyMaterial", material, call));
}
