import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import { getBytes, hexlify, toBigInt, Wallet } from "ethers";
import type { KmsStoreOptions } from "ethers-hsm/aws-kms";
import { type KmsFault, KmsServer } from "../servers/aws-kms/kms-server.ts";
import { everythingShown } from "../support/everything-shown.ts";
import { openStore } from "./store-support.ts";
import { rejectionOf } from "./support.ts";

const PRIVATE_KEY = Wallet.createRandom().privateKey;
const BYTES = getBytes(PRIVATE_KEY);
const credentials = {
  accessKeyId: "AKIATESTTESTTESTTEST",
  secretAccessKey: "planted-secret-access-key",
  sessionToken: "planted-session-token",
};

/** Every form in which the private key could appear, whole or in good part. */
const PLANTED = [
  PRIVATE_KEY.slice(2, 34),
  PRIVATE_KEY.slice(34),
  toBigInt(PRIVATE_KEY).toString(),
  Buffer.from(BYTES).toString("base64").slice(4, 36),
  [...BYTES].slice(4, 12).join(","),
  credentials.secretAccessKey,
  credentials.sessionToken,
];

let server: KmsServer;

beforeAll(async () => {
  server = await KmsServer.start();
});

afterAll(async () => {
  await server.close();
});

afterEach(() => {
  server.faults.clear();
  jest.restoreAllMocks();
});

function expectNothingPlanted(value: unknown): void {
  const shown = everythingShown(value).toLowerCase();
  // Inspection shows bytes in lines of its own.
  const compact = shown.replace(/\s+/g, "");
  const found = PLANTED.filter((text) => [shown, compact].some((each) => each.includes(text.toLowerCase())));
  expect(found).toEqual([]);
}

test("what is planted would be found", () => {
  for (const value of [{ PRIVATE_KEY }, { BYTES }, { deep: { number: toBigInt(PRIVATE_KEY) } }, [Buffer.from(BYTES)]]) {
    // JSON has no bigints.
    const shown = typeof value === "object" && "deep" in value ? String(value.deep.number) : value;
    expect(() => expectNothingPlanted(shown)).toThrow();
  }
});

const exception = (name: string): KmsFault => ({ kind: "exception", name, message: "refused" });

test.each<[string, string, KmsFault]>([
  [
    "a malformed wrapping key",
    "GetParametersForImport",
    { kind: "alter", alter: (a) => ({ ...a, PublicKey: "AAAA" }) },
  ],
  ["a wrong public key", "GetPublicKey", { kind: "wrong key" }],
  ["a wrong signature", "Sign", { kind: "wrong key" }],
  ["a refused alias", "CreateAlias", exception("AccessDeniedException")],
])("an import that fails with %s shows neither the private key nor a credential", async (_name, operation, fault) => {
  const options: KmsStoreOptions = { credentials, maxAttempts: 1 };
  for (const privateKey of [PRIVATE_KEY, BYTES]) {
    const store = openStore(server, options);
    server.faults.add(fault, { operation });
    const error = await rejectionOf(store.importKey(privateKey, { name: "alias/treasury" }));
    expectNothingPlanted(error);
    expectNothingPlanted((error as Error).stack);
    await store.close();
    server.faults.clear();
  }
});

test("what the platform says of a failed encryption is not passed on", async () => {
  const shown = new Error(`cannot encrypt ${PRIVATE_KEY}`);
  jest.spyOn(globalThis.crypto.subtle, "encrypt").mockRejectedValue(shown);
  const store = openStore(server, { credentials });
  const error = await rejectionOf(store.importKey(PRIVATE_KEY));
  expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
  expectNothingPlanted(error);
  await store.close();
});

test("the buffer that is encrypted is wiped, whether the import succeeds or fails", async () => {
  const encrypted: Uint8Array[] = [];
  const { subtle } = globalThis.crypto;
  const encrypt = subtle.encrypt.bind(subtle);
  jest.spyOn(subtle, "encrypt").mockImplementation(async (algorithm, key, data) => {
    if (ArrayBuffer.isView(data)) encrypted.push(data as Uint8Array);
    const held = hexlify(data as Uint8Array);
    expect(held).toContain(PRIVATE_KEY.slice(2));
    return encrypt(algorithm, key, data);
  });
  const store = openStore(server, { credentials, maxAttempts: 1 });
  const stored = await store.importKey(PRIVATE_KEY);
  expectNothingPlanted(stored);
  expectNothingPlanted(store);
  server.faults.add(exception("InvalidCiphertextException"), { operation: "ImportKeyMaterial" });
  await rejectionOf(store.importKey(PRIVATE_KEY));
  expect(encrypted.map((bytes) => hexlify(bytes))).toEqual(Array(2).fill(`0x${"00".repeat(135)}`));
  await store.close();
});

test("without WebCrypto nothing is created", async () => {
  const store = openStore(server, { credentials });
  const before = server.requests.length;
  jest.replaceProperty(globalThis, "crypto", undefined as never);
  const importing = rejectionOf(store.importKey(PRIVATE_KEY));
  jest.restoreAllMocks();
  const error = await importing;
  expect(error).toMatchObject({ code: "UNSUPPORTED_OPERATION", operation: "importKey" });
  expectNothingPlanted(error);
  expect(server.requests).toHaveLength(before);
  await store.close();
});
