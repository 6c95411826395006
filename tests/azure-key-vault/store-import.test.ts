import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { hexlify, recoverAddress, Wallet } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { cases } from "../support/cases.ts";
import { PRIVATE_KEY } from "./setup.ts";
import { failureOf, listingOf, startEmptyServer, storeFor } from "./store-setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(3);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("importKey", () => {
  test("of random keys arrives at ethers' addresses, each proven by one signature", async () => {
    const store = storeFor(server);
    const count = cases(10, 4);
    for (let index = 0; index < count; index++) {
      const wallet = Wallet.createRandom();
      const name = `account-${index}`;
      const stored = await store.importKey(wallet.privateKey, { name, expectedAddress: wallet.address.toLowerCase() });
      expect(stored).toMatchObject({ name, address: wallet.address });
      expect(server.count("sign")).toBe(2 * index + 1);
      const signature = await new RemoteSigner(stored.key).signDigest(DIGEST);
      expect(recoverAddress(DIGEST, signature)).toBe(wallet.address);
    }
    expect((await listingOf(store)).stored).toHaveLength(count);
    await store.close();
  });

  test.each<[string, string | Uint8Array]>([
    ["hex", PRIVATE_KEY],
    ["bytes", new Uint8Array(Buffer.from(PRIVATE_KEY.slice(2), "hex"))],
    ["a Buffer", Buffer.from(PRIVATE_KEY.slice(2), "hex")],
  ])("takes %s, and leaves it as it is", async (_name, privateKey) => {
    const store = storeFor(server);
    const stored = await store.importKey(privateKey, { name: "hot-wallet", tags: { a: "b" }, hardware: true });
    expect(stored.address).toBe(address);
    expect(hexlify(typeof privateKey === "string" ? Buffer.from(privateKey.slice(-64), "hex") : privateKey)).toBe(
      PRIVATE_KEY,
    );
    const version = server.vault.find("hot-wallet", "");
    expect(version?.jwk("")).toMatchObject({ kty: "EC-HSM", crv: "P-256K", key_ops: ["sign", "verify"] });
    expect(version?.tags).toEqual({ a: "b" });
    await store.close();
  });

  test.each<[string, string | Uint8Array]>([
    ["too short", PRIVATE_KEY.slice(0, -2)],
    ["hex without 0x", PRIVATE_KEY.slice(2)],
    ["too long", new Uint8Array(33).fill(1)],
    ["zero", new Uint8Array(32)],
    ["the order of the curve", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"],
    ["no hex", `${PRIVATE_KEY.slice(0, -1)}g`],
  ])("refuses a key that is %s, and sends nothing", async (_name, privateKey) => {
    const store = storeFor(server);
    const argument = { code: "INVALID_ARGUMENT", argument: "privateKey", value: "[REDACTED]" };
    await expect(store.importKey(privateKey, { name: "hot-wallet" })).rejects.toMatchObject(argument);
    expect(server.log).toEqual([]);
    await store.close();
  });

  test("refuses a name that the vault has", async () => {
    server.vault.put("hot-wallet", { privateKey: PRIVATE_KEY });
    const store = storeFor(server);
    await expect(store.importKey(PRIVATE_KEY, { name: "hot-wallet" })).rejects.toMatchObject({
      code: "KEY_EXISTS",
      operation: "importKey",
      info: { existing: { address } },
    });
    expect(server.count("importKey")).toBe(0);
    await store.close();
  });

  test.each([
    ["another key's signature", "SIGNATURE_MISMATCH", () => ({ kind: "sign", by: server.vault.put("other") }) as const],
    ["no signature", "BACKEND_RESPONSE_INVALID", () => ({ kind: "value", value: "AQ" }) as const],
    [
      "a refusal",
      "ACCESS_DENIED",
      () => ({ kind: "error", status: 403, code: "Forbidden", innerCode: "ForbiddenByRbac", message: "no" }) as const,
    ],
  ])("whose proof is %s fails, and says that the key is in the vault", async (_name, code, fault) => {
    const store = storeFor(server);
    server.faults.add(fault(), { operation: "sign" });
    const failure = await failureOf(store.importKey(PRIVATE_KEY, { name: "hot-wallet" }));
    const createdKeyId = server.kid("hot-wallet");
    expect(failure).toMatchObject({
      code,
      operation: "importKey",
      keyId: createdKeyId,
      message: expect.stringContaining(`the key ${createdKeyId} was made, but `),
      info: { createdKeyId },
    });
    await store.close();
  });

  test("whose answer is another key is ADDRESS_MISMATCH, and nothing is signed", async () => {
    const store = storeFor(server);
    const other = server.vault.put("hot-wallet");
    const body = JSON.stringify(other.bundle(server.kid("hot-wallet")));
    const reply = { status: 200, headers: { "content-type": "application/json" }, body };
    server.faults.add({ kind: "reply", reply }, { operation: "importKey" });
    const failure = await failureOf(store.importKey(PRIVATE_KEY, { name: "hot-wallet", newVersion: true }));
    expect(failure).toMatchObject({ code: "ADDRESS_MISMATCH", info: { expected: address } });
    expect(server.count("sign")).toBe(0);
    await store.close();
  });
});
