import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { hexlify, id, Wallet } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { KmsKey, KmsKeyStore, type KmsStoreOptions } from "ethers-hsm/aws-kms";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { addressesOf, listAll, openStore } from "./store-support.ts";
import { DIGEST, PRIVATE_KEY, rejectionOf } from "./support.ts";

let server: KmsServer;
const stores: KmsKeyStore[] = [];

beforeEach(async () => {
  server = await KmsServer.start();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await server.close();
});

function open(options: KmsStoreOptions = {}): KmsKeyStore {
  const store = openStore(server, options);
  stores.push(store);
  return store;
}

const OTHER_KEY = id("another account of the AWS KMS tests");

test("construction does no I/O, and says what the store is", () => {
  const options = { tags: { team: "payments" }, namePrefix: "alias/pay-" };
  expect(open().id).toBe("eu-west-1");
  expect(open(options)).toMatchObject({ backend: "aws-kms", id: "eu-west-1 alias/pay-* team=payments" });
  expect(new KmsKeyStore().id).toBe("(the SDK's Region)");
  expect(server.requests).toEqual([]);
});

test.each<[string, Record<string, unknown>, string]>([
  ["tags that are no object", { tags: "team" }, "tags"],
  ["tags in a list", { tags: [] }, "tags"],
  ["a tag that is not a string", { tags: { team: 1 } }, "tags"],
  ["an alias prefix without alias/", { namePrefix: "pay-" }, "namePrefix"],
  ["no requests at once", { concurrency: 0 }, "concurrency"],
  ["too many requests at once", { concurrency: 51 }, "concurrency"],
  ["half a request at once", { concurrency: 1.5 }, "concurrency"],
  ["no time", { timeout: 0 }, "timeout"],
  ["an endpoint that is not a URL", { endpoint: "planted-secret" }, "endpoint"],
  ["a client and a Region", { client: { send: () => {} }, region: "eu-west-1" }, "client"],
])("%s is the caller's mistake", (_name, options, argument) => {
  const construct = () => new KmsKeyStore(options as KmsStoreOptions);
  expect(construct).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  expect(construct).not.toThrow(/planted-secret/);
});

test("a key's address, name and ARN are known, and it signs without another look at its public key", async () => {
  const { arn } = server.ring.importKey(PRIVATE_KEY);
  server.ring.putAlias("alias/z", server.ring.find(arn));
  server.ring.putAlias("alias/b", server.ring.find(arn));
  const { stored, failed } = await listAll(open().list());
  expect(failed).toEqual([]);
  const wallet = new Wallet(PRIVATE_KEY);
  expect(stored).toMatchObject([{ address: wallet.address, name: "alias/b", key: { backend: "aws-kms", id: arn } }]);
  const [{ key } = { key: undefined }] = stored;
  if (!(key instanceof KmsKey)) throw new Error("no KmsKey");
  expect(hexlify(await key.getPublicKey())).toBe(wallet.signingKey.publicKey);
  const signature = await new RemoteSigner(key).signDigest(DIGEST);
  expect(signature.isValid()).toBe(true);
  expect(server.count("GetPublicKey")).toBe(1);
});

test("other specs, usages and AWS's own keys are no part of it, and are asked for once", async () => {
  server.ring.importKey(PRIVATE_KEY);
  server.ring.importKey(OTHER_KEY, { usage: "KEY_AGREEMENT" });
  server.ring.createKey("ECC_NIST_P256");
  server.ring.createKey("SYMMETRIC_DEFAULT", { manager: "AWS" });
  server.ring.putAlias("alias/aws/ebs", server.ring.createKey("SYMMETRIC_DEFAULT", { manager: "AWS" }));
  const store = open();
  for (const described of [4, 5]) {
    const listed = await listAll(store.list());
    expect(addressesOf(listed)).toEqual([new Wallet(PRIVATE_KEY).address]);
    expect(listed.failed).toEqual([]);
    expect(server.count("DescribeKey")).toBe(described);
  }
  expect(server.count("GetPublicKey")).toBe(1);
});

test.each([
  ["Disabled", /kms:EnableKey/],
  ["PendingDeletion", /kms:CancelKeyDeletion/],
  ["PendingImport", /kms:ImportKeyMaterial/],
] as const)("a key that is %s is reported, and comes back", async (state, advice) => {
  const key = server.ring.importKey(PRIVATE_KEY);
  server.ring.createKey("SYMMETRIC_DEFAULT").state = "Disabled";
  server.ring.putAlias("alias/treasury", key);
  key.state = state;
  const store = open();
  const { stored, failed } = await listAll(store.list());
  expect(stored).toEqual([]);
  const error = {
    code: "KEY_UNUSABLE",
    backend: "aws-kms",
    keyId: key.arn,
    info: { keyState: state },
    retryable: false,
  };
  expect(failed).toMatchObject([{ id: key.arn, name: "alias/treasury", error }]);
  expect(failed[0]?.error.message).toMatch(advice);
  key.state = "Enabled";
  expect((await listAll(store.list())).stored).toHaveLength(1);
});

test.each(["DescribeKey", "GetPublicKey"])("a key whose %s is refused does not end the listing", async (operation) => {
  for (const privateKey of [PRIVATE_KEY, OTHER_KEY]) server.ring.importKey(privateKey);
  const fault = { kind: "exception", name: "AccessDeniedException", message: "no policy allows it" } as const;
  server.faults.add(fault, { operation, times: 1 });
  const store = open({ concurrency: 1 });
  const { stored, failed } = await listAll(store.list());
  expect(stored).toHaveLength(1);
  expect(failed).toMatchObject([{ error: { code: "ACCESS_DENIED", operation: "list", keyId: failed[0]?.id } }]);
  expect(failed[0]?.error.message).toContain(`kms:${operation}`);
  expect((await listAll(store.list())).stored).toHaveLength(2);
});

test("a key of a strange type is reported", async () => {
  server.ring.importKey(PRIVATE_KEY);
  const store = open();
  server.faults.add({ kind: "alter", alter: () => ({}) }, { operation: "DescribeKey", times: 1 });
  expect((await listAll(store.list())).failed).toMatchObject([{ error: { code: "BACKEND_RESPONSE_INVALID" } }]);
  const alter = (answer: object) => ({ ...answer, PublicKey: "AAAA" });
  server.faults.add({ kind: "alter", alter }, { operation: "GetPublicKey", times: 1 });
  expect((await listAll(store.list())).failed).toMatchObject([{ error: { code: "BACKEND_RESPONSE_INVALID" } }]);
  const lacks = { KeyMetadata: { Arn: server.ring.keys[0]?.arn, KeyState: "Enabled" } };
  server.faults.add({ kind: "alter", alter: () => lacks }, { operation: "DescribeKey", times: 1 });
  expect((await listAll(store.list())).failed).toMatchObject([{ error: { message: /lacks KeySpec/ } }]);
});

test("a key that is deleted between the list and the look at it is no part of it", async () => {
  server.ring.importKey(PRIVATE_KEY);
  server.faults.add({ kind: "exception", name: "NotFoundException" }, { operation: "DescribeKey", times: 1 });
  expect(await listAll(open().list())).toEqual({ stored: [], failed: [] });
});

test("tags: all of them, with just these values, on any page; of others nothing is reported", async () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`tag-${index}`, ""]));
  server.ring.importKey(PRIVATE_KEY, { tags: { ...many, team: "payments", stage: "live" } });
  server.ring.importKey(OTHER_KEY, { tags: { team: "payments", stage: "test" } });
  server.ring.importKey(OTHER_KEY, { tags: { team: "payments" } }).state = "Disabled";
  server.ring.importKey(OTHER_KEY, { tags: { team: "payments", stage: "live" } }).grantToken = "needed";
  const { stored, failed } = await listAll(open({ tags: { team: "payments", stage: "live" } }).list());
  expect(stored.map(({ address }) => address)).toEqual([new Wallet(PRIVATE_KEY).address]);
  expect(failed).toMatchObject([{ error: { code: "ACCESS_DENIED", operation: "list" } }]);
});

test("DescribeKey is refused, but the tags say that the key is another owner's", async () => {
  server.ring.importKey(PRIVATE_KEY, { tags: { team: "others" } });
  server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "DescribeKey" });
  expect(await listAll(open({ tags: { team: "payments" } }).list())).toEqual({ stored: [], failed: [] });
  expect(await listAll(open({ tags: { team: "others" } }).list())).toMatchObject({
    failed: [{ error: { code: "ACCESS_DENIED", operation: "list" } }],
  });
});

test("the alias prefix decides before any key is asked for, over all pages", async () => {
  const key = server.ring.importKey(PRIVATE_KEY);
  const other = server.ring.importKey(OTHER_KEY);
  for (let index = 0; index < 250; index++) server.ring.putAlias(`alias/number-${index}`, other);
  server.ring.putAlias("alias/pay-2", key);
  server.ring.putAlias("alias/pay-1", key);
  const { stored } = await listAll(open({ namePrefix: "alias/pay-" }).list());
  expect(stored).toMatchObject([{ name: "alias/pay-1", key: { id: key.arn } }]);
  expect(server.count("ListAliases")).toBe(3);
  expect(server.count("DescribeKey")).toBe(1);
});

test("without kms:ListAliases keys have no name, but a prefix cannot work", async () => {
  server.ring.putAlias("alias/pay-1", server.ring.importKey(PRIVATE_KEY));
  server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "ListAliases" });
  expect((await listAll(open().list())).stored).toMatchObject([{ name: undefined }]);
  const error = await rejectionOf(listAll(open({ namePrefix: "alias/pay-" }).list()));
  expect(error).toMatchObject({ code: "ACCESS_DENIED", operation: "list", backend: "aws-kms" });
});

test.each(["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"])(
  "ListKeys is refused with %s",
  async (name) => {
    server.faults.add({ kind: "exception", name }, { operation: "ListKeys" });
    const error = await rejectionOf(listAll(open().list()));
    expect(error).toMatchObject({ code: "ACCESS_DENIED", operation: "list", backend: "aws-kms" });
  },
);

test.each(["UnrecognizedClientException", "ExpiredTokenException"])(
  "credentials that fail in the middle, with %s, make no key look unusable",
  async (name) => {
    for (const privateKey of [PRIVATE_KEY, OTHER_KEY]) server.ring.importKey(privateKey);
    server.faults.add({ kind: "exception", name }, { operation: "DescribeKey", times: 1 });
    const error = await rejectionOf(listAll(open({ concurrency: 1 }).list()));
    expect(error).toMatchObject({ code: "ACCESS_DENIED", operation: "list" });
  },
);

test("an answer that is no known exception is the key's alone", async () => {
  for (const privateKey of [PRIVATE_KEY, OTHER_KEY]) server.ring.importKey(privateKey);
  server.faults.add({ kind: "exception", name: "StrangeException" }, { operation: "DescribeKey", times: 1 });
  const { stored, failed } = await listAll(open().list());
  expect(stored).toHaveLength(1);
  expect(failed).toMatchObject([{ error: { code: "REQUEST_REJECTED", retryable: false } }]);
});

test.each<[string, (answer: object) => Record<string, unknown>, RegExp]>([
  ["does not say where the next page begins", (answer) => ({ ...answer, Truncated: true }), /where they begin/],
  ["goes in circles", (answer) => ({ ...answer, Truncated: true, NextMarker: "0" }), /where they begin/],
  ["names no ARN", () => ({ Keys: [{ KeyId: "x" }] }), /without a key ARN/],
])("a listing that %s rejects instead of being short", async (_name, alter, message) => {
  server.ring.importKey(PRIVATE_KEY);
  server.faults.add({ kind: "alter", alter }, { operation: "ListKeys" });
  const error = await rejectionOf(listAll(open().list()));
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", operation: "list" });
  expect((error as Error).message).toMatch(message);
});

test("a key that is gone is forgotten, and a new one found", async () => {
  const first = server.ring.importKey(PRIVATE_KEY);
  const store = open();
  await listAll(store.list());
  server.ring.keys.splice(server.ring.keys.indexOf(first), 1);
  const second = server.ring.importKey(OTHER_KEY);
  expect((await listAll(store.list())).stored.map(({ key }) => key.id)).toEqual([second.arn]);
  server.ring.keys.push(first);
  expect((await listAll(store.list())).stored).toHaveLength(2);
  expect(server.count("GetPublicKey")).toBe(3);
});
