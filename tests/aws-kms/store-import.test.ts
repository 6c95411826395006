import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, recoverAddress, toBeHex, verifyMessage, Wallet } from "ethers";
import { isSignerError, RemoteSigner, type SignerErrorCode } from "ethers-hsm";
import type { KmsKeyStore, KmsStoreOptions } from "ethers-hsm/aws-kms";
import { type KmsFault, KmsServer } from "../servers/aws-kms/kms-server.ts";
import { cases } from "../support/cases.ts";
import { ORDER } from "../support/hostile/point.ts";
import { listAll, openStore } from "./store-support.ts";
import { DIGEST, PRIVATE_KEY, rejectionOf } from "./support.ts";

const ADDRESS = new Wallet(PRIVATE_KEY).address;

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

test("random private keys arrive at ethers' address, and sign as the wallet's account", async () => {
  const store = open();
  const count = cases(10, 4);
  for (let index = 0; index < count; index++) {
    const wallet = Wallet.createRandom();
    const bytes = getBytes(wallet.privateKey);
    const privateKey = index % 2 === 0 ? wallet.privateKey : bytes;
    const { address, key } = await store.importKey(privateKey, { expectedAddress: wallet.address.toLowerCase() });
    expect(address).toBe(wallet.address);
    const signer = new RemoteSigner(key);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(wallet.address);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(wallet.address);
    // The caller's own bytes are the caller's.
    expect(hexlify(bytes)).toBe(wallet.privateKey);
  }
  expect((await listAll(store.list())).stored).toHaveLength(count);
  expect(server.count("GetPublicKey")).toBe(count);
});

test.each([1n, 2n, 255n, ORDER - 1n])("the private key %s, shorter than 32 bytes or not", async (number) => {
  const privateKey = toBeHex(number, 32);
  expect((await open().importKey(privateKey)).address).toBe(new Wallet(privateKey).address);
});

test("the import protocol: the alias comes last, and the material does not expire", async () => {
  const store = open({ tags: { team: "payments" } });
  const { name, key } = await store.importKey(PRIVATE_KEY, { name: "alias/treasury", description: "moved" });
  expect(name).toBe("alias/treasury");
  expect(server.requests.map(({ operation }) => operation)).toEqual([
    ...[
      "ListAliases",
      "CreateKey",
      "GetParametersForImport",
      "ImportKeyMaterial",
      "GetPublicKey",
      "Sign",
      "CreateAlias",
    ],
  ]);
  const [, creation, parameters, material] = server.requests.map(({ input }) => input);
  expect(creation).toMatchObject({ Origin: "EXTERNAL", KeySpec: "ECC_SECG_P256K1", Description: "moved" });
  expect(parameters).toMatchObject({ WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_4096" });
  expect(material).toMatchObject({ KeyId: key.id, ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" });
  expect(server.ring.find(key.id).tags).toEqual({ team: "payments" });
});

test("bytes that the caller changes meanwhile are not what is imported", async () => {
  const bytes = getBytes(PRIVATE_KEY);
  const importing = open().importKey(bytes);
  bytes.fill(0);
  expect((await importing).address).toBe(ADDRESS);
});

test.each<[string, unknown]>([
  ["zero", toBeHex(0, 32)],
  ["n", toBeHex(ORDER, 32)],
  ["31 bytes", new Uint8Array(31).fill(1)],
  ["33 bytes", new Uint8Array(33).fill(1)],
  ["hex without 0x", PRIVATE_KEY.slice(2)],
  ["short hex", PRIVATE_KEY.slice(0, -2)],
  ["a number", 1],
  ["nothing", undefined],
  ["a list", [...getBytes(PRIVATE_KEY)]],
])("%s is no private key: nothing is created", async (_name, privateKey) => {
  const error = await rejectionOf(open().importKey(privateKey as string));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "privateKey", value: "[REDACTED]" });
  expect(server.requests).toEqual([]);
});

describe("what fails in the middle names the key, and what to do with it", () => {
  const refused = (name: string): KmsFault => ({ kind: "exception", name, message: "refused" });
  const without = (...names: string[]): KmsFault => ({
    kind: "alter",
    alter: (answer) => Object.fromEntries(Object.entries(answer).filter(([name]) => !names.includes(name))),
  });
  const spki = { kind: "alter", alter: (answer: object) => ({ ...answer, PublicKey: "AAAA" }) } as const;

  test.each<[string, string, KmsFault, SignerErrorCode]>([
    ["no parameters", "GetParametersForImport", refused("AccessDeniedException"), "ACCESS_DENIED"],
    ["no wrapping key", "GetParametersForImport", without("PublicKey"), "BACKEND_RESPONSE_INVALID"],
    ["no token", "GetParametersForImport", without("ImportToken"), "BACKEND_RESPONSE_INVALID"],
    ["a malformed wrapping key", "GetParametersForImport", spki, "BACKEND_RESPONSE_INVALID"],
    ["material refused", "ImportKeyMaterial", refused("InvalidCiphertextException"), "REQUEST_REJECTED"],
    ["a token that expired", "ImportKeyMaterial", refused("ExpiredImportTokenException"), "REQUEST_REJECTED"],
    ["an answer that is lost", "ImportKeyMaterial", { kind: "reset" }, "BACKEND_UNAVAILABLE"],
    ["no public key", "GetPublicKey", refused("AccessDeniedException"), "ACCESS_DENIED"],
    ["another public key", "GetPublicKey", { kind: "wrong key" }, "ADDRESS_MISMATCH"],
    ["no signature", "Sign", refused("AccessDeniedException"), "ACCESS_DENIED"],
    ["another key's signature", "Sign", { kind: "wrong key" }, "SIGNATURE_MISMATCH"],
  ])("%s", async (_name, operation, fault, code) => {
    server.faults.add(fault, { operation });
    const error = await rejectionOf(open({ maxAttempts: 1 }).importKey(PRIVATE_KEY, { name: "alias/treasury" }));
    const arn = server.ring.keys[0]?.arn ?? "no key";
    if (!isSignerError(error)) throw error;
    expect(error).toMatchObject({ code, backend: "aws-kms", keyId: arn, retryable: false });
    expect(error.info).toMatchObject({ createdKeyId: arn });
    expect(error.message).toContain(`the key ${arn} was made, but `);
    expect(error.message).toContain(`aws kms schedule-key-deletion --key-id ${arn}`);
    // No alias names what is not proven.
    expect(server.ring.aliases.size).toBe(0);
  });

  test("the alias alone: the key is proven, and stays", async () => {
    server.faults.add(refused("AlreadyExistsException"), { operation: "CreateAlias" });
    const store = open();
    const error = await rejectionOf(store.importKey(PRIVATE_KEY, { name: "alias/treasury" }));
    expect((error as Error).message).toMatch(/The key can sign, but has no alias: aws kms create-alias/);
    expect((error as Error).message).not.toMatch(/deletion/);
    expect((await listAll(store.list())).stored).toMatchObject([{ address: ADDRESS }]);
  });

  test("KMS has not yet heard everywhere of the material", async () => {
    server.faults.add(refused("KMSInvalidStateException"), { operation: "GetPublicKey", times: 1 });
    server.faults.add(refused("KMSInvalidStateException"), { operation: "Sign", times: 1 });
    server.faults.add(refused("NotFoundException"), { operation: "GetParametersForImport", times: 1 });
    expect((await open().importKey(PRIVATE_KEY)).address).toBe(ADDRESS);
  });
});

test("a wrapping key of fewer bits is refused, since it would be the weakest part", async () => {
  const { generateKeyPairSync } = await import("node:crypto");
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const PublicKey = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  server.faults.add(
    { kind: "alter", alter: (answer) => ({ ...answer, PublicKey }) },
    { operation: "GetParametersForImport" },
  );
  const error = await rejectionOf(open().importKey(PRIVATE_KEY));
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
  expect((error as Error).message).toContain("2048 bits instead of 4096");
  expect(server.count("ImportKeyMaterial")).toBe(0);
});
