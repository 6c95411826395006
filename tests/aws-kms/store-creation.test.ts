import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { recoverAddress } from "ethers";
import { isSignerError, RemoteSigner, type SignerErrorCode } from "ethers-hsm";
import type { KmsCreateKeyOptions, KmsKeyStore, KmsStoreOptions } from "ethers-hsm/aws-kms";
import { type KmsFault, KmsServer } from "../servers/aws-kms/kms-server.ts";
import { listAll, openStore } from "./store-support.ts";
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

const refused = (name: string): KmsFault => ({ kind: "exception", name, message: "refused" });

test("a new key has its address, signs, and is found by a listing without another look at it", async () => {
  const store = open();
  const created = await store.createKey();
  expect(created.name).toBeUndefined();
  const signature = await new RemoteSigner(created.key).signDigest(DIGEST);
  expect(recoverAddress(DIGEST, signature)).toBe(created.address);
  expect(server.requests.map(({ operation }) => operation)).toEqual(["CreateKey", "GetPublicKey", "Sign"]);
  const { stored } = await listAll(store.list());
  expect(stored).toMatchObject([{ address: created.address, key: { id: created.key.id } }]);
  expect(server.count("GetPublicKey")).toBe(1);
});

test("what is asked for is what KMS is asked for", async () => {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  const tags = { stage: "live" };
  const options = { name: "alias/pay-1", tags, description: "payments", multiRegion: true, policy };
  const created = await open({ tags: { team: "payments" }, namePrefix: "alias/pay-" }).createKey(options);
  expect(created.name).toBe("alias/pay-1");
  expect(server.requests.map(({ operation }) => operation)).toEqual([
    ...["ListAliases", "CreateKey", "GetPublicKey", "CreateAlias"],
  ]);
  expect(server.requests[1]?.input).toEqual({
    ...{ KeySpec: "ECC_SECG_P256K1", KeyUsage: "SIGN_VERIFY", Origin: "AWS_KMS" },
    ...{ MultiRegion: true, Description: "payments", Policy: policy },
    Tags: [
      { TagKey: "stage", TagValue: "live" },
      { TagKey: "team", TagValue: "payments" },
    ],
  });
  expect(server.ring.find("alias/pay-1").arn).toBe(created.key.id);
  expect(created.key.id).toContain("key/mrk-");
});

test.each<[string, KmsCreateKeyOptions, string]>([
  ["an alias without alias/", { name: "pay-1" }, "name"],
  ["an alias of AWS's", { name: "alias/aws/s3" }, "name"],
  ["an alias with a space", { name: "alias/pay 1" }, "name"],
  ["an alias that is too long", { name: `alias/pay-${"a".repeat(250)}` }, "name"],
  ["an alias that the store would not find", { name: "alias/other" }, "name"],
  ["no alias where the store looks for one", {}, "name"],
  ["a tag that the store would not find", { name: "alias/pay-1", tags: { team: "others" } }, "tags"],
  ["a tag that is not a string", { name: "alias/pay-1", tags: { n: 1 } as unknown as Record<string, string> }, "tags"],
])("%s is the caller's mistake, and creates nothing", async (_name, options, argument) => {
  const store = open({ tags: { team: "payments" }, namePrefix: "alias/pay-" });
  for (const call of [() => store.createKey(options), () => store.importKey(PRIVATE_KEY, options)]) {
    expect(await rejectionOf(call())).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  }
  expect(server.requests).toEqual([]);
});

test.each<[string, SignerErrorCode, RegExp]>([
  ["AccessDeniedException", "ACCESS_DENIED", /kms:CreateKey/],
  ["LimitExceededException", "REQUEST_REJECTED", /quota/],
  ["MalformedPolicyDocumentException", "REQUEST_REJECTED", /correct policy/],
  ["TagException", "REQUEST_REJECTED", /correct tags/],
])("CreateKey fails with %s: no key was made, and none is named", async (name, code, message) => {
  server.faults.add(refused(name), { operation: "CreateKey" });
  const error = await rejectionOf(open({ maxAttempts: 1 }).createKey());
  expect(error).toMatchObject({ code, backend: "aws-kms", operation: "createKey", keyId: "eu-west-1" });
  expect((error as Error).message).toMatch(message);
  expect(server.ring.keys).toEqual([]);
});

test("CreateKey's answer names no key", async () => {
  server.faults.add({ kind: "alter", alter: () => ({}) }, { operation: "CreateKey" });
  const error = await rejectionOf(open().createKey());
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", operation: "createKey" });
});

describe("no failure loses a key that exists", () => {
  test.each<[string, string, SignerErrorCode]>([
    ["AlreadyExistsException", "CreateAlias", "KEY_EXISTS"],
    ["AccessDeniedException", "CreateAlias", "ACCESS_DENIED"],
    ["AccessDeniedException", "GetPublicKey", "ACCESS_DENIED"],
    ["KMSInternalException", "GetPublicKey", "BACKEND_UNAVAILABLE"],
  ])("%s of %s", async (name, operation, code) => {
    const store = open({ maxAttempts: 1 });
    server.faults.add(refused(name), { operation });
    const error = await rejectionOf(store.createKey({ name: "alias/treasury" }));
    const arn = server.ring.keys[0]?.arn ?? "no key";
    if (!isSignerError(error)) throw error;
    expect(error).toMatchObject({ code, backend: "aws-kms", keyId: arn, operation: "createKey", retryable: false });
    expect(error.info).toMatchObject({ createdKeyId: arn, errorCode: name });
    expect(error.requestId).toMatch(/^[\da-f-]{36}$/);
    expect(error.message).toContain(`the key ${arn} was made, but ${operation} failed with ${name}`);
    expect(error.message).toContain(operation === "CreateAlias" ? "aws kms create-alias" : "schedule-key-deletion");
    server.faults.clear();
    expect((await listAll(store.list())).stored).toMatchObject([{ key: { id: arn } }]);
  });

  test("an alias that is another key's", async () => {
    const { keyId: existing } = server.ring.importKey(PRIVATE_KEY);
    server.ring.putAlias("alias/treasury", server.ring.find(existing));
    const store = open();
    for (const call of [
      () => store.createKey({ name: "alias/treasury" }),
      () => store.importKey(PRIVATE_KEY, { name: "alias/treasury" }),
    ]) {
      const error = await rejectionOf(call());
      const info = { name: "alias/treasury", existing };
      expect(error).toMatchObject({ code: "KEY_EXISTS", retryable: false, keyId: existing, info });
      expect((error as Error).message).toMatch(/nothing was made/);
    }
    expect(server.ring.keys).toHaveLength(1);
  });

  test("an alias that may not be looked up is found taken when the key exists", async () => {
    server.ring.putAlias("alias/treasury", server.ring.importKey(PRIVATE_KEY));
    server.faults.add(refused("AccessDeniedException"), { operation: "ListAliases" });
    const error = await rejectionOf(open().createKey({ name: "alias/treasury" }));
    expect(error).toMatchObject({ code: "KEY_EXISTS", info: { createdKeyId: server.ring.keys[1]?.arn } });
  });

  test("the store is closed in the middle", async () => {
    const store = open();
    server.faults.add({ kind: "slow", ms: 50 }, { operation: "CreateKey" });
    const creating = rejectionOf(store.createKey());
    while (server.count("CreateKey") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
    expect(await creating).toMatchObject({ code: "SIGNER_CLOSED", info: { createdKeyId: server.ring.keys[0]?.arn } });
  });

  test("KMS has not yet heard everywhere of the key that it made", async () => {
    server.faults.add(refused("NotFoundException"), { operation: "GetPublicKey", times: 2 });
    const { key } = await open().createKey();
    expect(key.id).toBe(server.ring.keys[0]?.arn);
    expect(server.count("GetPublicKey")).toBe(3);
  });
});
