import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { recoverAddress } from "ethers";
import { isSignerError, RemoteSigner, type SignerErrorCode } from "ethers-hsm";
import type { CreateKmsKeyOptions, KmsKeyStore, KmsKeyStoreOptions } from "ethers-hsm/aws-kms";
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

function open(options: KmsKeyStoreOptions = {}): KmsKeyStore {
  const store = openStore(server, options);
  stores.push(store);
  return store;
}

const refused = (name: string): KmsFault => ({ kind: "exception", name, message: "refused" });

test("a new key has its address, signs, and is found by a listing without another look at it", async () => {
  const store = open();
  const created = await store.create();
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
  const options = { alias: "alias/pay-1", tags, description: "payments", multiRegion: true, policy };
  const created = await open({ tags: { team: "payments" }, aliasPrefix: "alias/pay-" }).create(options);
  expect(created.name).toBe("alias/pay-1");
  expect(server.requests[0]?.input).toEqual({
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

test.each<[string, CreateKmsKeyOptions, string]>([
  ["an alias without alias/", { alias: "pay-1" }, "alias"],
  ["an alias of AWS's", { alias: "alias/aws/s3" }, "alias"],
  ["an alias with a space", { alias: "alias/pay 1" }, "alias"],
  ["an alias that is too long", { alias: `alias/pay-${"a".repeat(250)}` }, "alias"],
  ["an alias that the store would not find", { alias: "alias/other" }, "alias"],
  ["no alias where the store looks for one", {}, "alias"],
  ["a tag that the store would not find", { alias: "alias/pay-1", tags: { team: "others" } }, "tags"],
  ["a tag that is no text", { alias: "alias/pay-1", tags: { n: 1 } as unknown as Record<string, string> }, "tags"],
])("%s is the caller's mistake, and creates nothing", async (_name, options, argument) => {
  const store = open({ tags: { team: "payments" }, aliasPrefix: "alias/pay-" });
  for (const call of [() => store.create(options), () => store.importKey(PRIVATE_KEY, options)]) {
    expect(await rejectionOf(call())).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  }
  expect(server.requests).toEqual([]);
});

test.each<[string, SignerErrorCode, RegExp]>([
  ["AccessDeniedException", "ACCESS_DENIED", /kms:CreateKey/],
  ["LimitExceededException", "THROTTLED", /quota/],
  ["MalformedPolicyDocumentException", "BACKEND_UNAVAILABLE", /correct policy/],
  ["TagException", "BACKEND_UNAVAILABLE", /correct tags/],
])("CreateKey fails with %s: no key was made, and none is named", async (name, code, message) => {
  server.faults.add(refused(name), { operation: "CreateKey" });
  const error = await rejectionOf(open({ maxAttempts: 1 }).create());
  expect(error).toMatchObject({ code, backend: "aws-kms", operation: "CreateKey", keyId: undefined });
  expect((error as Error).message).toMatch(message);
  expect(server.ring.keys).toEqual([]);
});

test("CreateKey's answer names no key", async () => {
  server.faults.add({ kind: "alter", alter: () => ({}) }, { operation: "CreateKey" });
  const error = await rejectionOf(open().create());
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", operation: "CreateKey" });
});

describe("no failure loses a key that exists", () => {
  test.each<[string, string, SignerErrorCode]>([
    ["AlreadyExistsException", "CreateAlias", "BACKEND_UNAVAILABLE"],
    ["AccessDeniedException", "CreateAlias", "ACCESS_DENIED"],
    ["AccessDeniedException", "GetPublicKey", "ACCESS_DENIED"],
    ["KMSInternalException", "GetPublicKey", "BACKEND_UNAVAILABLE"],
  ])("%s of %s", async (name, operation, code) => {
    const store = open({ maxAttempts: 1 });
    server.faults.add(refused(name), { operation });
    const error = await rejectionOf(store.create({ alias: "alias/treasury" }));
    const arn = server.ring.keys[0]?.arn ?? "no key";
    if (!isSignerError(error)) throw error;
    expect(error).toMatchObject({ code, backend: "aws-kms", keyId: arn, operation, retryable: false });
    expect(error.info).toMatchObject({ createdKeyId: arn, exception: name });
    expect(error.requestId).toMatch(/^[\da-f-]{36}$/);
    expect(error.message).toContain(`the key ${arn} was created, but ${operation} failed with ${name}`);
    expect(error.message).toContain(operation === "CreateAlias" ? "aws kms create-alias" : "schedule-key-deletion");
    server.faults.clear();
    expect((await listAll(store.list())).stored).toMatchObject([{ key: { id: arn } }]);
  });

  test("an alias that is another key's", async () => {
    server.ring.putAlias("alias/treasury", server.ring.importKey(PRIVATE_KEY));
    const error = await rejectionOf(open().create({ alias: "alias/treasury" }));
    expect(error).toMatchObject({ info: { createdKeyId: server.ring.keys[1]?.arn } });
    expect((error as Error).message).toMatch(/the alias exists already/);
  });

  test("the store is closed in the middle", async () => {
    const store = open();
    server.faults.add({ kind: "slow", ms: 50 }, { operation: "CreateKey" });
    const creating = rejectionOf(store.create());
    while (server.count("CreateKey") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
    expect(await creating).toMatchObject({ code: "SIGNER_CLOSED", info: { createdKeyId: server.ring.keys[0]?.arn } });
  });

  test("KMS has not yet heard everywhere of the key that it made", async () => {
    server.faults.add(refused("NotFoundException"), { operation: "GetPublicKey", times: 2 });
    const { key } = await open().create();
    expect(key.id).toBe(server.ring.keys[0]?.arn);
    expect(server.count("GetPublicKey")).toBe(3);
  });
});
