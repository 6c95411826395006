import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { Pkcs11KeyStore, Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { createToken } from "../support/softhsm-env.ts";

const token = createToken("isolation-users");
token.importKey(id("isolation users"), { label: "hot", id: "0x01" });
const { libraryPath, label: tokenLabel, pin } = token;
const named = { libraryPath, tokenLabel, pin, keyLabel: "hot", isolation: "process" } as const;
let isWatching = true;
let most = 0;
const watching = (async () => {
  for (; isWatching; await new Promise((resolve) => setTimeout(resolve, 2))) {
    most = Math.max(most, isolatedProcesses().length);
  }
})();

afterEach(() => {
  expect(isolatedProcesses()).toEqual([]);
  most = 0;
});

afterAll(async () => {
  isWatching = false;
  await watching;
});

describe("no child is left", () => {
  test("by a signer and a store whose token is not there", async () => {
    const users = [
      new Pkcs11Signer({ ...named, tokenLabel: "none" }),
      new Pkcs11KeyStore({ ...named, tokenLabel: "none" }),
    ];
    const error = { code: "KEY_NOT_FOUND" };
    await expect(users[0]?.health()).resolves.toMatchObject({ error });
    await expect(users[1]?.health()).resolves.toMatchObject({ error });
    expect(isolatedProcesses()).toHaveLength(1);
    await Promise.all(users.map((user) => user.close()));
  });

  test("by health() after close()", async () => {
    const signer = new Pkcs11Signer(named);
    await signer.getAddress();
    await signer.close();
    await expect(signer.health()).resolves.toMatchObject({ ready: false, error: { code: "SIGNER_CLOSED" } });
  });

  test("by health() beside close(), used before or not", async () => {
    const signers = [new Pkcs11Signer(named), new Pkcs11Signer(named)];
    await signers[0]?.getAddress();
    await Promise.all(signers.flatMap((signer) => [signer.health(), signer.close(), signer.health()]));
  });

  test("by signers with different values of hangTimeout, once they are closed", async () => {
    const signers = [5_000, 6_000, 7_000].map((hangTimeout) => new Pkcs11Signer({ ...named, hangTimeout }));
    await Promise.all(signers.map((signer) => signer.getAddress()));
    await Promise.all(signers.map((signer) => signer.close()));
  });

  test("by a signer that is closed twice", async () => {
    const [first, second] = [new Pkcs11Signer(named), new Pkcs11Signer(named)];
    await Promise.all([first.getAddress(), second.getAddress()]);
    await Promise.all([first.close(), first.close()]);
    expect(isolatedProcesses()).toHaveLength(1);
    await second.getAddress();
    await second.close();
  });
});

test("there is one child for equal options, while one signer is closed and the next begins", async () => {
  let last = new Pkcs11Signer(named);
  await last.getAddress();
  for (let round = 0; round < 6; round += 1) {
    const next = new Pkcs11Signer(named);
    const closing = last.close();
    // In each phase of the other's closing.
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([closing, next.signMessage("hello")]);
    last = next;
  }
  await last.close();
  expect(most).toBe(1);
}, 60_000);
