import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { Pkcs11Key } from "../../src/pkcs11/index.ts";
import { FailoverKey, type FailoverOptions } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { signerError } from "../signer/rejection.ts";
import { createToken } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";

const PRIVATE_KEY = id("pkcs11 failover");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("a digest");
const first = createToken("failover-first");
const second = createToken("failover-second");
const third = createToken("failover-third");
const keys: FailoverKey[] = [];

const on = (token: typeof first, change: { libraryPath?: string; tokenLabel?: string } = {}) =>
  new Pkcs11Key({
    libraryPath: token.libraryPath,
    tokenLabel: token.label,
    pin: token.pin,
    keyLabel: "hot",
    ...change,
  });

function failover(replicas: Pkcs11Key[], options: Partial<FailoverOptions> = {}): FailoverKey {
  const key = new FailoverKey(replicas, { expectedAddress: address, ...options });
  keys.push(key);
  return key;
}

beforeAll(() => {
  first.importKey(PRIVATE_KEY, { label: "hot" });
  second.importKey(PRIVATE_KEY, { label: "hot" });
  third.importKey(id("another key"), { label: "hot" });
});

afterEach(async () => {
  await Promise.all(keys.splice(0).map((key) => key.close()));
});

describe("two tokens that hold the same key", () => {
  test("the preferred one signs, and the other one is found to be its replica", async () => {
    const key = failover([on(first), on(second)]);
    expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(address);
    await until(() => second.isLoggedIn());
    expect(key.state()).toMatchObject([
      { backend: "pkcs11", state: "closed" },
      { backend: "pkcs11", state: "closed" },
    ]);
    expect(key.id).toContain(first.label);
    expect(key.id).toContain(second.label);
    expect(key.id).not.toContain(second.pin);
  });

  test.each<[string, string, () => Pkcs11Key]>([
    ["library", "DEPENDENCY_MISSING", () => on(first, { libraryPath: "/nowhere/libhsm.so" })],
    ["token", "KEY_NOT_FOUND", () => on(first, { tokenLabel: "no such token" })],
  ])("where the preferred %s is missing, the other one signs", async (_name, code, missing) => {
    const key = failover([missing(), on(second)]);
    const signer = new RemoteSigner(key);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(key.state()).toMatchObject([{ state: "open", lastError: code }, { state: "closed" }]);
  });

  test("where the preferred one loses the key, the other one signs, until it is back", async () => {
    const key = failover([on(first), on(second)], { resetTimeout: 1 });
    const signer = new RemoteSigner(key);
    await signer.signDigest(DIGEST);
    first.deleteKeys("hot");
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(key.state()[0]).toMatchObject({ lastError: "KEY_NOT_FOUND" });
    first.importKey(PRIVATE_KEY, { label: "hot" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(key.state()[0]).toMatchObject({ state: "closed", lastError: undefined });
  });

  test("where one holds another key, it is excluded and the other one signs", async () => {
    const key = failover([on(first), on(third)]);
    const signer = new RemoteSigner(key);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    await until(() => key.state()[1]?.state === "excluded");
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(key.state()[1]).toMatchObject({ lastError: "ADDRESS_MISMATCH" });
  });

  test("where neither can be reached, the error names both", async () => {
    const key = failover([on(first, { libraryPath: "/nowhere/a.so" }), on(second, { libraryPath: "/nowhere/b.so" })]);
    const error = await signerError(new RemoteSigner(key).getAddress(), "DEPENDENCY_MISSING");
    expect(error.message).toContain("/nowhere/a.so");
    expect(error.message).toContain("/nowhere/b.so");
    expect(error.message).not.toContain(first.pin);
  });
});
