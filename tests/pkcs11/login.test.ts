import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, hexlify, id, verifyMessage, Wallet } from "ethers";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { Pkcs11Key, Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { countCalls, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";

const PRIVATE_KEY = id("login");
const { address } = new Wallet(PRIVATE_KEY);
const keys: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", ...change });
  keys.push(signer);
  return signer;
}

beforeEach(() => {
  token = createToken("login");
  token.importKey(PRIVATE_KEY, { label: "hot" });
});

afterEach(async () => {
  restore();
  await Promise.all(keys.splice(0).map((key) => key.close()));
});

describe("a login", () => {
  test("that fails for another reason than the PIN is tried again: the PIN is not taken for refused", async () => {
    let logins = 0;
    intercept("C_Login", (call, args) => {
      logins += 1;
      if (logins < 3) throw returnValue("CKR_FUNCTION_FAILED", 0x06);
      return call(...args);
    });
    expect(verifyMessage("hello", await open().signMessage("hello"))).toBe(address);
    expect(logins).toBe(3);
  });

  test("that other code of the process makes at the same moment counts as one's own", async () => {
    intercept("C_Login", (call, args) => {
      call(...args);
      return call(...args);
    });
    const signer = open();
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    await expect(signer.health()).resolves.toMatchObject({ ready: true, loggedIn: true, lastError: undefined });
  });

  // gRPC's numbers of UNKNOWN, NOT_FOUND and ALREADY_EXISTS are return values of a token, too.
  test.each([2, 5, 6])("whose PIN function fails with the code %d of its own is not tried again", async (code) => {
    const failure = Object.assign(new Error("the vault has no such secret"), { code });
    const { libraryPath, label: tokenLabel } = token;
    let asked = 0;
    const pin = () => {
      asked += 1;
      throw failure;
    };
    const key = new Pkcs11Key({ libraryPath, tokenLabel, pin, keyLabel: "hot" });
    keys.push(key);
    await expect(key.getPublicKey()).rejects.toBe(failure);
    expect(asked).toBe(1);
  });

  test("whose PIN comes after its caller has left does not disturb the next one", async () => {
    const asked: ((pin: string) => void)[] = [];
    const { libraryPath, label: tokenLabel } = token;
    const pin = () => new Promise<string>((resolve) => asked.push(resolve));
    const key = new Pkcs11Key({ libraryPath, tokenLabel, pin, keyLabel: "hot" });
    keys.push(key);
    const logins = countCalls("C_Login");
    const controller = new AbortController();
    const left = key.getPublicKey({ signal: controller.signal });
    await until(() => asked.length === 1);
    controller.abort(new Error("no longer wanted"));
    await expect(left).rejects.toThrow("no longer wanted");
    const next = [key.getPublicKey()];
    await until(() => asked.length === 2);
    // The former answer comes while the latter is waited for, which stays the one that later calls wait for.
    asked[0]?.(token.pin);
    await setTimeout(20);
    next.push(key.getPublicKey());
    await setTimeout(20);
    asked[1]?.(token.pin);
    for (const publicKey of await Promise.all(next)) expect(computeAddress(hexlify(publicKey))).toBe(address);
    expect([asked.length, logins()]).toEqual([2, 1]);
  });
});

describe("a PIN that the token refuses", () => {
  test("is tried once in this process, whichever code asks: static, by a function, by a store", async () => {
    const pin = "planted-wrong-pin";
    const logins = countCalls("C_Login");
    const refused = { code: "ACCESS_DENIED", info: { returnValue: 0xa0 } };
    const signers = [open({ pin }), open({ pin: () => pin }), open({ pin: async () => pin }), open({ pin })];
    const outcomes = await Promise.allSettled(signers.map((signer) => signer.getAddress()));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: refused });
    await expect(open({ pin }).getAddress()).rejects.toMatchObject(refused);
    const { libraryPath, label: tokenLabel } = token;
    const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
    keys.push(store);
    await expect(store.list().next()).rejects.toMatchObject(refused);
    expect(logins()).toBe(1);
    await expect(open().getAddress()).resolves.toBe(address);
    expect(logins()).toBe(2);
  });

  test.each([
    ["CKR_PIN_INCORRECT", 0xa0, 1],
    ["CKR_PIN_INVALID", 0xa1, 1],
    ["CKR_PIN_LEN_RANGE", 0xa2, 1],
    ["CKR_PIN_LOCKED", 0xa4, 1],
    ["CKR_PIN_EXPIRED", 0xa3, 2],
    ["CKR_USER_PIN_NOT_INITIALIZED", 0x102, 2],
    ["CKR_USER_TYPE_INVALID", 0x103, 2],
    ["CKR_USER_ANOTHER_ALREADY_LOGGED_IN", 0x104, 2],
    ["CKR_USER_TOO_MANY_TYPES", 0x105, 2],
  ])("%s: remembered if it is about the PIN, and only then", async (name, value, times) => {
    let logins = 0;
    intercept("C_Login", () => {
      logins += 1;
      throw returnValue(name, value);
    });
    const signer = open();
    for (let index = 0; index < 2; index += 1) {
      await expect(signer.getAddress()).rejects.toMatchObject({ code: "ACCESS_DENIED", info: { returnValue: value } });
    }
    expect(logins).toBe(times);
  });
});

describe("two users", () => {
  test("whose PINs are functions never share a login: the second is refused until the first is gone", async () => {
    const shared = SoftHsmToken.create(token.libraryPath, `login-users-${process.pid}`, "alice:wonderland");
    shared.importKey(PRIVATE_KEY, { label: "hot" });
    const { libraryPath, label: tokenLabel } = shared;
    const as = (pin: string) => {
      const signer = new CloudHsmSigner({ libraryPath, tokenLabel, pin: async () => pin, keyLabel: "hot" });
      keys.push(signer);
      return signer;
    };
    const alice = as("alice:wonderland");
    await expect(alice.getAddress()).resolves.toBe(address);
    await expect(as("alice:wonderland").getAddress()).resolves.toBe(address);
    const bob = as("bob:builder");
    await expect(bob.signMessage("hello")).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      message: expect.stringContaining("has one login at a time"),
    });
    await expect(alice.getAddress()).resolves.toBe(address);
    keys.pop();
    await Promise.all(keys.splice(0).map((key) => key.close()));
    keys.push(bob);
    // SoftHSM2 has one user, so that it refuses bob's PIN: it was asked.
    await expect(bob.signMessage("hello")).rejects.toMatchObject({ info: { returnValue: 0xa0 } });
  });

  test("that come at the same moment: one of them is refused", async () => {
    const second = open({ pin: () => "another PIN" });
    const outcomes = await Promise.allSettled([open().getAddress(), second.getAddress()]);
    expect(outcomes).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "ACCESS_DENIED" } },
    ]);
  });
});
