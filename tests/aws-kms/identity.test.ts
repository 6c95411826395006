import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { isSignerError } from "ethers-hsm";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { DIGEST, type Kms, PRIVATE_KEY, rejectionOf, startKms } from "./support.ts";

const ADDRESS = new Wallet(PRIVATE_KEY).address;
const OTHER_KEY = id("another account");
const OTHER = new Wallet(OTHER_KEY).address;

let kms: Kms;
const signers: KmsSigner[] = [];

function signer(...[options, provider]: ConstructorParameters<typeof KmsSigner>): KmsSigner {
  const created = new KmsSigner(options, provider);
  signers.push(created);
  return created;
}

beforeEach(async () => {
  kms = await startKms();
});

afterEach(async () => {
  for (const each of signers.splice(0)) await each.close();
  await kms.server.close();
});

describe("the key's name", () => {
  test.each(["key id", "key ARN", "alias name", "alias ARN"])("by its %s, signing names the ARN", async (kind) => {
    const aliasArn = kms.server.ring.putAlias("alias/treasury", kms.key);
    const names = {
      "key id": kms.key.keyId,
      "key ARN": kms.key.arn,
      "alias name": "alias/treasury",
      "alias ARN": aliasArn,
    };
    const keyId = names[kind as keyof typeof names];
    const tested = signer(kms.options({ keyId }));
    expect(tested.keyId).toBe(keyId);
    expect(tested.backend).toBe("aws-kms");
    expect(recoverAddress(DIGEST, await tested.signDigest(DIGEST))).toBe(ADDRESS);
    expect(kms.server.requests.map(({ operation, input }) => [operation, input["KeyId"]])).toEqual([
      ["GetPublicKey", keyId],
      ["Sign", kms.key.arn],
    ]);
  });

  test("a Multi-Region key", async () => {
    const key = kms.server.ring.importKey(OTHER_KEY, { multiRegion: true });
    expect(key.keyId).toMatch(/^mrk-/);
    expect(await signer(kms.options({ keyId: key.keyId })).getAddress()).toBe(OTHER);
  });

  test("the Region of an ARN is the client's where no other is given", async () => {
    const { region: _region, ...options } = kms.options({ keyId: kms.key.arn });
    expect(await signer(options).getAddress()).toBe(ADDRESS);
  });

  test("a bare key id in the answers, as of emulators, is the same key", async () => {
    kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, KeyId: kms.key.keyId }) });
    const tested = signer(kms.options({ keyId: kms.key.arn }));
    expect(recoverAddress(DIGEST, await tested.signDigest(DIGEST))).toBe(ADDRESS);
  });
});

describe("an alias that moves", () => {
  test("does not move the account", async () => {
    kms.server.ring.putAlias("alias/treasury", kms.key);
    const tested = signer(kms.options({ keyId: "alias/treasury" }));
    expect(await tested.getAddress()).toBe(ADDRESS);
    kms.server.ring.putAlias("alias/treasury", kms.server.ring.importKey(OTHER_KEY));
    expect(recoverAddress(DIGEST, await tested.signDigest(DIGEST))).toBe(ADDRESS);
    expect(await tested.connect(null).getAddress()).toBe(ADDRESS);
  });

  test("is found by verifyKey, which changes nothing", async () => {
    kms.server.ring.putAlias("alias/treasury", kms.key);
    const tested = signer(kms.options({ keyId: "alias/treasury" }));
    await tested.verifyKey();
    await tested.verifyKey();
    const other = kms.server.ring.importKey(OTHER_KEY);
    kms.server.ring.putAlias("alias/treasury", other);
    const error = await rejectionOf(tested.connect(null).verifyKey());
    expect(error).toMatchObject({
      code: "KEY_CHANGED",
      backend: "aws-kms",
      keyId: "alias/treasury",
      operation: "verifyKey",
      retryable: false,
      requestId: expect.any(String),
      info: { previous: { keyId: kms.key.arn, address: ADDRESS }, current: { keyId: other.arn, address: OTHER } },
    });
    for (const part of [kms.key.arn, ADDRESS, other.arn, OTHER]) expect(String(error)).toContain(part);
    expect(recoverAddress(DIGEST, await tested.signDigest(DIGEST))).toBe(ADDRESS);
    kms.server.ring.putAlias("alias/treasury", kms.key);
    await tested.verifyKey();
  });

  test("to the same key material under another ARN is found too", async () => {
    kms.server.ring.putAlias("alias/treasury", kms.key);
    const tested = signer(kms.options({ keyId: "alias/treasury" }));
    await tested.getAddress();
    kms.server.ring.putAlias("alias/treasury", kms.server.ring.importKey(PRIVATE_KEY));
    expect(isSignerError(await rejectionOf(tested.verifyKey()), "KEY_CHANGED")).toBe(true);
  });

  test("to a key that is not for Ethereum has no new address", async () => {
    kms.server.ring.putAlias("alias/treasury", kms.key);
    const tested = signer(kms.options({ keyId: "alias/treasury" }));
    await tested.getAddress();
    const rsa = kms.server.ring.createKey("RSA_2048");
    kms.server.ring.putAlias("alias/treasury", rsa);
    expect(await rejectionOf(tested.verifyKey())).toMatchObject({
      code: "KEY_CHANGED",
      info: { current: { keyId: rsa.arn, address: undefined } },
    });
  });

  test("verifyKey alone pins, then compares: two requests", async () => {
    await signer(kms.options()).verifyKey();
    expect(kms.server.count("GetPublicKey")).toBe(2);
  });

  test("another public key under the same ARN is found by verifyKey", async () => {
    const tested = signer(kms.options());
    await tested.getAddress();
    kms.server.faults.add({ kind: "wrong key" });
    expect(await rejectionOf(tested.verifyKey())).toMatchObject({
      code: "KEY_CHANGED",
      info: { previous: { keyId: kms.key.arn }, current: { keyId: kms.key.arn, address: expect.any(String) } },
    });
  });

  test("what keeps verifyKey from looking comes through", async () => {
    const tested = signer(kms.options({ maxAttempts: 1 }));
    await tested.getAddress();
    kms.server.faults.add({ kind: "exception", name: "ThrottlingException" }, { times: 1 });
    expect(await rejectionOf(tested.verifyKey())).toMatchObject({ code: "THROTTLED", operation: "verifyKey" });
    await tested.close();
    expect(await rejectionOf(tested.verifyKey())).toMatchObject({ code: "SIGNER_CLOSED" });
  });
});

describe("the key that answers", () => {
  test("a public key of another key than the one asked for is refused", async () => {
    const { arn } = kms.server.ring.importKey(OTHER_KEY);
    kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, KeyId: arn }) });
    expect(await rejectionOf(signer(kms.options()).signDigest(DIGEST))).toMatchObject({
      code: "BACKEND_RESPONSE_INVALID",
      operation: "getPublicKey",
      retryable: false,
      requestId: expect.any(String),
      info: { expected: kms.key.keyId, actual: arn },
    });
    expect(kms.server.count("Sign")).toBe(0);
  });

  test.each([
    ["another key", () => kms.server.ring.importKey(OTHER_KEY).arn],
    ["the replica of another Region", () => kms.key.arn.replace("eu-west-1", "us-east-1")],
  ])("a signature that names %s is refused, with both names", async (_name, other) => {
    const tested = signer(kms.options());
    const address = await tested.getAddress();
    const keyId = other();
    kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, KeyId: keyId }) }, { operation: "Sign" });
    expect(await rejectionOf(tested.signDigest(DIGEST))).toMatchObject({
      code: "KEY_CHANGED",
      operation: "signDigest",
      retryable: false,
      requestId: expect.any(String),
      info: { previous: { keyId: kms.key.arn, address }, current: { keyId } },
    });
  });

  test.each([undefined, "", 5])("a signature that names no key (%j) is refused", async (KeyId) => {
    kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, KeyId }) }, { operation: "Sign" });
    expect(await rejectionOf(signer(kms.options()).signDigest(DIGEST))).toMatchObject({
      code: "BACKEND_RESPONSE_INVALID",
      operation: "signDigest",
    });
  });

  test("a signature by another key under the right KeyId is refused", async () => {
    const tested = signer(kms.options());
    kms.server.faults.add({ kind: "wrong key" }, { operation: "Sign" });
    expect(await rejectionOf(tested.signDigest(DIGEST))).toMatchObject({ code: "SIGNATURE_MISMATCH" });
  });

  test.each(["ECC_NIST_P256", "RSA_2048"] as const)("%s is refused before anything is signed", async (spec) => {
    const { keyId, arn } = kms.server.ring.createKey(spec);
    const error = await rejectionOf(signer(kms.options({ keyId })).signDigest(DIGEST));
    expect(error).toMatchObject({ code: "KEY_UNUSABLE", operation: "getPublicKey", requestId: expect.any(String) });
    expect(String(error)).toContain(`the key ${arn} has KeySpec ${spec}`);
    expect(kms.server.count("Sign")).toBe(0);
  });

  test("a key for another use is refused before anything is signed", async () => {
    const { keyId } = kms.server.ring.importKey(OTHER_KEY, { usage: "KEY_AGREEMENT" });
    const error = await rejectionOf(signer(kms.options({ keyId })).signDigest(DIGEST));
    expect(error).toMatchObject({ code: "KEY_UNUSABLE" });
    expect(String(error)).toContain("KeyUsage KEY_AGREEMENT");
    expect(kms.server.count("Sign")).toBe(0);
  });

  test.each([
    ["SigningAlgorithms", ["ECDSA_SHA_512"], "KEY_UNUSABLE"],
    ["SigningAlgorithms", [], "KEY_UNUSABLE"],
    ["SigningAlgorithms", undefined, "BACKEND_RESPONSE_INVALID"],
    ["KeyUsage", undefined, "BACKEND_RESPONSE_INVALID"],
    ["KeyId", undefined, "BACKEND_RESPONSE_INVALID"],
    ["KeyId", "", "BACKEND_RESPONSE_INVALID"],
  ])("%s %j is refused before anything is signed", async (field, value, code) => {
    kms.server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, [field]: value }) });
    const error = await rejectionOf(signer(kms.options()).signDigest(DIGEST));
    expect(error).toMatchObject({ code, operation: "getPublicKey" });
    expect(kms.server.count("Sign")).toBe(0);
  });

  test("KeySpec under its older name will do, and under neither will not", async () => {
    kms.server.faults.add({ kind: "alter", alter: ({ KeySpec, ...answer }) => answer }, { times: 1 });
    expect(await signer(kms.options()).getAddress()).toBe(ADDRESS);
    kms.server.faults.add({ kind: "alter", alter: ({ KeySpec, CustomerMasterKeySpec, ...answer }) => answer });
    const error = await rejectionOf(signer(kms.options()).getAddress());
    expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
    expect(String(error)).toContain("lacks KeySpec");
  });

  test("the expected address", async () => {
    expect(await signer({ ...kms.options(), expectedAddress: ADDRESS }).getAddress()).toBe(ADDRESS);
    const tested = signer({ ...kms.options(), expectedAddress: OTHER });
    expect(await rejectionOf(tested.signDigest(DIGEST))).toMatchObject({ code: "ADDRESS_MISMATCH" });
    expect(kms.server.count("Sign")).toBe(0);
  });
});
