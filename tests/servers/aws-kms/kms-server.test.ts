import { createHash, createPublicKey, verify } from "node:crypto";
import {
  DescribeKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  paginateListAliases,
  paginateListKeys,
  SignCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CREDENTIALS, PRIVATE_KEY, rejectionOf } from "../../aws-kms/support.ts";
import { KmsServer } from "./kms-server.ts";

// The tests of KmsSigner are worth what this server is: here OpenSSL and the SDK judge it, not this package.

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

const text = "what is signed";
const digest = createHash("sha256").update(text).digest();

test.each(["DIGEST", "RAW", undefined] as const)("OpenSSL accepts its signatures of message type %s", async (type) => {
  const { keyId, arn } = server.ring.importKey(PRIVATE_KEY);
  const { PublicKey, ...known } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
  const properties = {
    KeyId: arn,
    KeySpec: "ECC_SECG_P256K1",
    KeyUsage: "SIGN_VERIFY",
    SigningAlgorithms: ["ECDSA_SHA_256"],
  };
  expect(known).toMatchObject(properties);
  const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), type: "spki", format: "der" });
  const message = type === "DIGEST" ? digest : Buffer.from(text);
  const request = { KeyId: keyId, Message: message, SigningAlgorithm: "ECDSA_SHA_256", MessageType: type } as const;
  const seen = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const { Signature = new Uint8Array() } = await client.send(new SignCommand(request));
    expect(verify("sha256", Buffer.from(text), key, Signature)).toBe(true);
    seen.add(Buffer.from(Signature).toString("hex"));
  }
  expect(seen.size).toBe(8);
});

test.each([0, 31, 33, 64])("a digest of %d bytes is refused in AWS's words", async (length) => {
  const { keyId } = server.ring.importKey(PRIVATE_KEY);
  const request = { KeyId: keyId, Message: new Uint8Array(length), SigningAlgorithm: "ECDSA_SHA_256" } as const;
  const error = await rejectionOf(client.send(new SignCommand({ ...request, MessageType: "DIGEST" })));
  expect(error).toMatchObject({ name: "ValidationException" });
  if (length > 0) expect(String(error)).toContain("Digest is invalid length for algorithm ECDSA_SHA_256.");
});

test("an algorithm or a usage that is not the key's", async () => {
  const Message = new Uint8Array(32);
  for (const { keyId } of [server.ring.createKey("RSA_2048"), server.ring.createKey("SYMMETRIC_DEFAULT")]) {
    const request = { KeyId: keyId, Message, SigningAlgorithm: "ECDSA_SHA_256" } as const;
    expect(await rejectionOf(client.send(new SignCommand(request)))).toMatchObject({
      name: "InvalidKeyUsageException",
    });
  }
});

test("key states", async () => {
  const key = server.ring.importKey(PRIVATE_KEY);
  key.state = "Disabled";
  const described = await client.send(new DescribeKeyCommand({ KeyId: key.arn }));
  expect(described.KeyMetadata).toMatchObject({ KeyId: key.keyId, Arn: key.arn, Enabled: false, KeyState: "Disabled" });
  await client.send(new GetPublicKeyCommand({ KeyId: key.arn }));
  key.state = "PendingDeletion";
  const name = "KMSInvalidStateException";
  expect(await rejectionOf(client.send(new GetPublicKeyCommand({ KeyId: key.arn })))).toMatchObject({ name });
});

test("listings come in pages", async () => {
  const listing = await KmsServer.start();
  const own = new KMSClient({ region: listing.region, endpoint: listing.url, credentials: CREDENTIALS });
  const keys = Array.from({ length: 7 }, () => listing.ring.importKey(PRIVATE_KEY));
  const arns = keys.map((key, index) => listing.ring.putAlias(`alias/number-${index}`, key));
  const pages: number[] = [];
  const found: (string | undefined)[] = [];
  for await (const { Keys = [] } of paginateListKeys({ client: own, pageSize: 3 }, {})) {
    pages.push(Keys.length);
    found.push(...Keys.map(({ KeyArn }) => KeyArn));
  }
  expect(pages).toEqual([3, 3, 1]);
  expect(found).toEqual(keys.map(({ arn }) => arn));
  const aliases: (string | undefined)[] = [];
  for await (const { Aliases = [] } of paginateListAliases({ client: own, pageSize: 4 }, {})) {
    aliases.push(...Aliases.map(({ AliasArn }) => AliasArn));
  }
  expect(aliases).toEqual(arns);
  own.destroy();
  await listing.close();
});

test("a request that is not signed for KMS is refused", async () => {
  const send = (headers: Record<string, string>) =>
    fetch(server.url, { method: "POST", body: "{}", headers: { "x-amz-target": "TrentService.ListKeys", ...headers } });
  expect(await (await send({})).json()).toMatchObject({ __type: "MissingAuthenticationTokenException" });
  const partial = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/kms/aws4_request";
  expect(await (await send({ authorization: partial })).json()).toMatchObject({
    __type: "IncompleteSignatureException",
  });
});
