import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import { AbstractSigner, getAddress, isAddressable, JsonRpcProvider, resolveAddress, verifyMessage } from "ethers";
import { expectSerialized } from "./compare.ts";
import type { Context } from "./context.ts";
import { OTHER, OTHER_PRIVATE_KEY } from "./context.ts";

/** Who the signer is and what it is connected to. */
export function describeIdentity(context: Context): void {
  test("the address is the wallet's, with its checksum", async () => {
    const { offline, address } = context();
    expect(await offline.signer.getAddress()).toBe(offline.wallet.address);
    expect(await offline.signer.getAddress()).toBe(getAddress(address.toLowerCase()));
  });

  test("another key is another address", async () => {
    const { signer, wallet } = await context().pair(null, OTHER_PRIVATE_KEY);
    expect(await signer.getAddress()).toBe(OTHER);
    expect(wallet.address).toBe(OTHER);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(OTHER);
  });

  test("it is a signer to ethers, and an Addressable", async () => {
    const { signer, wallet } = context().offline;
    expect(signer).toBeInstanceOf(AbstractSigner);
    expect(isAddressable(signer)).toBe(true);
    expect(await resolveAddress(signer)).toBe(wallet.address);
  });

  test("the provider is the one given, or null", () => {
    const { offline, online, provider } = context();
    expect(offline.signer.provider).toBeNull();
    expect(online.signer.provider).toBe(provider);
    expect(offline.wallet.provider).toBeNull();
  });

  test("the provider cannot be replaced", () => {
    const { signer, wallet } = context().offline;
    const replacement = new JsonRpcProvider("http://127.0.0.1:9");
    for (const each of [signer, wallet]) {
      expect(() => Object.assign(each, { provider: replacement })).toThrow(TypeError);
      expect(each.provider).toBeNull();
    }
    replacement.destroy();
  });

  test("connect gives another signer of the same account and leaves the first as it was", async () => {
    const { offline, provider, address } = context();
    const connected = offline.signer.connect(provider);
    expect(connected).not.toBe(offline.signer);
    expect(connected.provider).toBe(provider);
    expect(offline.signer.provider).toBeNull();
    expect(await connected.getAddress()).toBe(address);
    expect(verifyMessage("connected", await connected.signMessage("connected"))).toBe(address);
    expect(await connected.getNonce()).toBe(await provider.getTransactionCount(address));
  });

  test("connect(null) disconnects the new signer", async () => {
    const { online, provider, address } = context();
    const disconnected = online.signer.connect(null);
    expect(disconnected.provider).toBeNull();
    expect(online.signer.provider).toBe(provider);
    expect(verifyMessage("alone", await disconnected.signMessage("alone"))).toBe(address);
  });

  test("a connected copy of a connected copy is of the same kind", () => {
    const { offline, provider } = context();
    const copy = offline.signer.connect(provider).connect(null).connect(provider);
    expect(copy.provider).toBe(provider);
    expect(copy).toBeInstanceOf(AbstractSigner);
  });

  test("a frozen signer still signs", async () => {
    const { pair, address } = context();
    const signer = Object.freeze((await pair(null)).signer);
    expect(await signer.getAddress()).toBe(address);
    expect(verifyMessage("frozen", await signer.signMessage("frozen"))).toBe(address);
    expect(await signer.signTransaction({ nonce: 1 })).toMatch(/^0x02/);
  });

  test("50 calls at once each sign their own message", async () => {
    const { offline, address } = context();
    const messages = Array.from({ length: 50 }, (_, index) => `message ${index}`);
    const signatures = await Promise.all(messages.map((message) => offline.signer.signMessage(message)));
    for (const [index, signature] of signatures.entries()) {
      expectSerialized(signature);
      expect(verifyMessage(messages[index] ?? "", signature)).toBe(address);
    }
    expect(new Set(signatures).size).toBe(50);
  });

  test("neither inspection nor JSON shows the private key", () => {
    const { offline, privateKey } = context();
    const shown = `${inspect(offline.signer, { depth: 10, showHidden: true })} ${JSON.stringify(offline.signer)}`;
    expect(shown.toLowerCase()).not.toContain(privateKey.slice(2));
  });
}
