import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, Wallet } from "ethers";
import type { KeySettings } from "../servers/azure-key-vault/key-version.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { Secp256k1Key } from "../servers/support/secp256k1-key.ts";
import { KEY_NAME, PRIVATE_KEY, signerFor, startServer } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(5);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

function addressOfNewest(): string {
  const { key } = server.vault.versions(KEY_NAME).at(-1) ?? {};
  if (!key) throw new Error("no key");
  return computeAddress(`0x${Buffer.from(key.publicKey).toString("hex")}`);
}

describe("the pinned version", () => {
  test("each signature names it, also after a rotation", async () => {
    const signer = signerFor(server);
    const path = new URL(server.kid(KEY_NAME)).pathname;
    await signer.signDigest(DIGEST);
    server.vault.rotate(KEY_NAME);
    const { r, s, yParity } = await signer.signDigest(DIGEST);
    expect({ r, s, yParity }).toBeDefined();
    expect(await signer.getAddress()).toBe(address);
    const signed = server.log.filter(({ operation }) => operation === "sign");
    expect(signed.map((each) => each.path)).toEqual([`${path}/sign`, `${path}/sign`]);
    await signer.close();
  });

  test.each(["keyVersion", "keyId"])("%s chooses an older version", async (option) => {
    const [old] = server.vault.versions(KEY_NAME);
    server.vault.rotate(KEY_NAME);
    const chosen = option === "keyId" ? { keyId: server.kid(KEY_NAME, old) } : { keyVersion: old?.version };
    const signer = signerFor(server, chosen);
    expect(await signer.getAddress()).toBe(address);
    expect(signer.keyId).toBe(server.kid(KEY_NAME, old));
    await signer.signDigest(DIGEST);
    expect(server.log.at(-1)?.path).toBe(`${new URL(server.kid(KEY_NAME, old)).pathname}/sign`);
    await signer.verifyKey();
    await signer.close();
  });

  test("without a version the newest counts, and a keyId need not have one", async () => {
    server.vault.rotate(KEY_NAME);
    const signer = signerFor(server, { keyId: `${server.url}/keys/${KEY_NAME}` });
    expect(await signer.getAddress()).toBe(addressOfNewest());
    await signer.close();
  });

  test("names in another case are the same key", async () => {
    const signer = signerFor(server, { keyName: KEY_NAME });
    server.faults.add({
      kind: "sign",
      kid: server.kid(KEY_NAME).toUpperCase().replace("HTTP", "http").replace("KEYS", "keys"),
    });
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test("an answer by another version is KEY_CHANGED and returns nothing", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    const pinned = server.kid(KEY_NAME);
    const rotated = server.vault.rotate(KEY_NAME);
    server.faults.add(
      { kind: "sign", by: rotated, kid: server.kid(KEY_NAME, rotated) },
      { operation: "sign", times: 1 },
    );
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "KEY_CHANGED",
      retryable: false,
      operation: "signDigest",
      info: { previous: { keyId: pinned, address }, current: { keyId: server.kid(KEY_NAME, rotated) } },
    });
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test("an answer to another key's or version's name is refused before anything is signed", async () => {
    const other = server.vault.put("other");
    const body = JSON.stringify({ key: other.jwk(server.kid("other", other)), attributes: other.attributes() });
    const reply = { status: 200, headers: { "content-type": "application/json" }, body };
    server.faults.add({ kind: "reply", reply }, { operation: "getKey" });
    const signer = signerFor(server);
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "BACKEND_RESPONSE_INVALID",
      message: expect.stringContaining("/keys/other/"),
    });
    expect(server.count("sign")).toBe(0);
    await signer.close();
  });
});

describe("verifyKey", () => {
  test("it passes while the version is the current one, by one request", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    await signer.verifyKey();
    expect(server.count("getKey")).toBe(2);
    await signer.close();
  });

  test("after a rotation it is KEY_CHANGED with both versions and addresses, and signing goes on", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    const previous = { keyId: server.kid(KEY_NAME), address };
    server.vault.rotate(KEY_NAME);
    const current = { keyId: server.kid(KEY_NAME), address: addressOfNewest() };
    const failure = await signer.verifyKey().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "KEY_CHANGED", operation: "verifyKey", info: { previous, current } });
    for (const part of [previous.keyId, previous.address, current.keyId, current.address]) {
      expect((failure as Error).message).toContain(part);
    }
    await signer.signDigest(DIGEST);
    expect(await signer.getAddress()).toBe(address);
    await signer.close();
  });

  test("a newer version that is no key for Ethereum is KEY_CHANGED without an address", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.vault.put(KEY_NAME, { curve: "RSA" });
    await expect(signer.verifyKey()).rejects.toMatchObject({
      code: "KEY_CHANGED",
      info: { current: { keyId: server.kid(KEY_NAME), address: undefined } },
    });
    await signer.close();
  });

  test("other material under the same version is KEY_CHANGED", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    const [version] = server.vault.versions(KEY_NAME);
    Object.assign(version ?? {}, { key: new Secp256k1Key("11".repeat(32)) });
    await expect(signer.verifyKey()).rejects.toMatchObject({ code: "KEY_CHANGED" });
    await signer.close();
  });

  test("a key that can no longer sign is KEY_UNUSABLE", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    const [version] = server.vault.versions(KEY_NAME);
    if (version) version.keyOps = ["verify"];
    await expect(signer.verifyKey()).rejects.toMatchObject({ code: "KEY_UNUSABLE", operation: "verifyKey" });
    await signer.close();
  });
});

const HOUR = 3_600;
const now = () => Math.floor(Date.now() / 1000);

describe("the key is checked before the first signature", () => {
  test.each<[string, KeySettings, RegExp]>([
    ["another curve", { curve: "P-256" }, /"P-256"; Ethereum needs EC or EC-HSM on P-256K/],
    ["another type", { curve: "RSA" }, /"RSA"/],
    ["one that may not sign", { keyOps: ["verify"] }, /may not sign \(key_ops: verify\)/],
    ["one that is disabled", { enabled: false }, /disabled; enable it/],
    ["one that is not yet valid", { nbf: now() + HOUR }, /not valid before .*\(nbf\)/],
    ["one that has expired", { exp: now() - HOUR }, /expired at .*\(exp\)/],
  ])("%s is KEY_UNUSABLE", async (_name, settings, message) => {
    server.vault.put(KEY_NAME, settings);
    const signer = signerFor(server);
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      retryable: false,
      message: expect.stringMatching(message),
    });
    expect(server.count("sign")).toBe(0);
    await signer.close();
  });

  test.each<[string, KeySettings]>([
    ["P-256K with ES256K", { curve: "P-256K" }],
    ["P-256K in an HSM", { curve: "P-256K", kty: "EC-HSM" }],
    ["SECP256K1 with ECDSA256", { curve: "SECP256K1" }],
    ["a key within its dates", { nbf: now() - HOUR, exp: now() + HOUR }],
  ])("%s signs", async (_name, settings) => {
    server.vault.put(KEY_NAME, { ...settings, privateKey: PRIVATE_KEY });
    const signer = signerFor(server);
    expect(await signer.getAddress()).toBe(address);
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test("a key that expires and is then prolonged signs again: the service decides, not a date of the first day", async () => {
    const [version] = server.vault.versions(KEY_NAME);
    const signer = signerFor(server);
    await signer.signDigest(DIGEST);
    if (version) version.exp = now() - HOUR;
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "KEY_UNUSABLE" });
    if (version) version.exp = now() + HOUR;
    await signer.signDigest(DIGEST);
    await signer.close();
  });

  test("a failed check is not kept", async () => {
    server.vault.put(KEY_NAME, { enabled: false });
    const signer = signerFor(server);
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "KEY_UNUSABLE" });
    server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
    expect(await signer.getAddress()).toBe(address);
    await signer.close();
  });

  test("another address than expectedAddress is ADDRESS_MISMATCH", async () => {
    server.vault.rotate(KEY_NAME);
    const signer = signerFor(server, { expectedAddress: address });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "ADDRESS_MISMATCH",
      info: { expected: address, actual: addressOfNewest() },
    });
    expect(server.count("sign")).toBe(0);
    await signer.close();
  });
});
