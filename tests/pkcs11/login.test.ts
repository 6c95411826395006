import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, hexlify, id, verifyMessage, Wallet } from "ethers";
import { Pkcs11Key, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { countCalls, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
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
