import { createPublicKey, generateKeyPairSync, publicEncrypt, randomBytes } from "node:crypto";
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  KMSClient,
  paginateListResourceTags,
  SignCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CREDENTIALS, PRIVATE_KEY, rejectionOf } from "../../aws-kms/support.ts";
import { KmsServer } from "./kms-server.ts";

// As kms-server.test.ts: OpenSSL makes the keys and wraps them, and the SDK asks.

let server: KmsServer;
let client: KMSClient;

beforeAll(async () => {
  server = await KmsServer.start();
  client = new KMSClient({ region: server.region, endpoint: server.url, credentials: CREDENTIALS, maxAttempts: 1 });
});

afterAll(async () => {
  client.destroy();
  await server.close();
});

const WRAPPING = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_4096" } as const;
const DOES_NOT_EXPIRE = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;

async function createExternal(): Promise<string> {
  const spec = { KeySpec: "ECC_SECG_P256K1", KeyUsage: "SIGN_VERIFY", Origin: "EXTERNAL" } as const;
  const { KeyMetadata } = await client.send(new CreateKeyCommand(spec));
  expect(KeyMetadata).toMatchObject({ ...spec, KeyState: "PendingImport", Enabled: false });
  return KeyMetadata?.KeyId ?? "";
}

async function parametersOf(KeyId: string) {
  const { PublicKey = new Uint8Array(), ImportToken } = await client.send(
    new GetParametersForImportCommand({ KeyId, ...WRAPPING }),
  );
  const key = createPublicKey({ key: Buffer.from(PublicKey), type: "spki", format: "der" });
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(4096);
  const wrap = (bytes: Uint8Array) => publicEncrypt({ key, oaepHash: "sha256" }, bytes);
  return { ImportToken, wrap };
}

const pair = () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  return {
    spki: publicKey.export({ type: "spki", format: "der" }),
    pkcs8: privateKey.export({ type: "pkcs8", format: "der" }),
  };
};

test("a key of OpenSSL's is imported, and its public half is OpenSSL's", async () => {
  const KeyId = await createExternal();
  const { spki, pkcs8 } = pair();
  expect(await rejectionOf(client.send(new GetPublicKeyCommand({ KeyId })))).toMatchObject({
    name: "KMSInvalidStateException",
  });
  const { ImportToken, wrap } = await parametersOf(KeyId);
  const request = { KeyId, ImportToken, EncryptedKeyMaterial: wrap(pkcs8) };
  // The default is a date of expiry, which has to be given.
  expect(await rejectionOf(client.send(new ImportKeyMaterialCommand(request)))).toMatchObject({
    name: "ValidationException",
  });
  await client.send(new ImportKeyMaterialCommand({ ...request, ...DOES_NOT_EXPIRE }));
  const { PublicKey = new Uint8Array() } = await client.send(new GetPublicKeyCommand({ KeyId }));
  expect(Buffer.from(PublicKey).equals(spki)).toBe(true);
  const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata).toMatchObject({ KeyState: "Enabled", Origin: "EXTERNAL", ...DOES_NOT_EXPIRE });
});

test("material can be imported again, but not replaced", async () => {
  const KeyId = await createExternal();
  const { pkcs8 } = pair();
  const put = async (material: Uint8Array) => {
    const { ImportToken, wrap } = await parametersOf(KeyId);
    const request = { KeyId, ImportToken, EncryptedKeyMaterial: wrap(material), ...DOES_NOT_EXPIRE };
    return client.send(new ImportKeyMaterialCommand(request));
  };
  await put(pkcs8);
  await put(pkcs8);
  expect(await rejectionOf(put(pair().pkcs8))).toMatchObject({ name: "IncorrectKeyMaterialException" });
});

test("material that is no such key, a token of another key, and a key that KMS made", async () => {
  const KeyId = await createExternal();
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "der" });
  for (const material of [randomBytes(32), p256]) {
    const { ImportToken, wrap } = await parametersOf(KeyId);
    const request = { KeyId, ImportToken, EncryptedKeyMaterial: wrap(material), ...DOES_NOT_EXPIRE };
    const error = await rejectionOf(client.send(new ImportKeyMaterialCommand(request)));
    expect(error).toMatchObject({ name: "InvalidCiphertextException" });
  }
  const { ImportToken, wrap } = await parametersOf(await createExternal());
  const stolen = { KeyId, ImportToken, EncryptedKeyMaterial: wrap(pair().pkcs8), ...DOES_NOT_EXPIRE };
  expect(await rejectionOf(client.send(new ImportKeyMaterialCommand(stolen)))).toMatchObject({
    name: "InvalidImportTokenException",
  });
  const { keyId } = server.ring.importKey(PRIVATE_KEY);
  const parameters = new GetParametersForImportCommand({ KeyId: keyId, ...WRAPPING });
  expect(await rejectionOf(client.send(parameters))).toMatchObject({ name: "UnsupportedOperationException" });
});

test("tags come in pages, an alias is taken once, and a dry run signs nothing", async () => {
  const tags = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`tag-${index}`, `${index}`]));
  const { keyId: KeyId } = server.ring.importKey(PRIVATE_KEY, { tags });
  const found: [string | undefined, string | undefined][] = [];
  for await (const { Tags = [] } of paginateListResourceTags({ client, pageSize: 3 }, { KeyId })) {
    found.push(...Tags.map(({ TagKey, TagValue }): [string | undefined, string | undefined] => [TagKey, TagValue]));
  }
  expect(Object.fromEntries(found)).toEqual(tags);
  const alias = new CreateAliasCommand({ AliasName: "alias/taken", TargetKeyId: KeyId });
  await client.send(alias);
  expect(await rejectionOf(client.send(alias))).toMatchObject({ name: "AlreadyExistsException" });
  const request = {
    KeyId,
    Message: randomBytes(32),
    MessageType: "DIGEST",
    SigningAlgorithm: "ECDSA_SHA_256",
  } as const;
  const dryRun = new SignCommand({ ...request, DryRun: true });
  expect(await rejectionOf(client.send(dryRun))).toMatchObject({ name: "DryRunOperationException" });
});
