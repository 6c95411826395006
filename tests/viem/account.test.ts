import { format, inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { createNonceManager, createWalletClient, custom, type LocalAccount, nonceManager } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { isSignerError, SignerError } from "../../src/core/errors.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type RemoteViemAccount, toViemAccount } from "../../src/viem/index.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { createPair, FRIEND, failureOf, PRIVATE_KEY } from "./pair.ts";

const LOCAL = privateKeyToAccount(PRIVATE_KEY);
const HASH = `0x${"11".repeat(32)}` as const;

/** Everything that asks for a signature. */
const requests: [string, (account: RemoteViemAccount) => Promise<unknown>][] = [
  ["sign", (account) => account.sign({ hash: HASH })],
  ["signMessage", (account) => account.signMessage({ message: "x" })],
  ["signTransaction", (account) => account.signTransaction({ chainId: 1, type: "eip1559" })],
  ["signTypedData", (account) => account.signTypedData({ domain: {}, types: {}, primaryType: "EIP712Domain" })],
  ["signAuthorization", (account) => account.signAuthorization({ address: FRIEND, chainId: 1, nonce: 0 })],
];

async function brokenAccount(onSign: FaultyKey["onSign"], timeout?: number): Promise<RemoteViemAccount> {
  const key = new FaultyKey(PRIVATE_KEY, onSign && { onSign });
  return toViemAccount(new RemoteSigner(key, null, { timeout }));
}

describe("the account", () => {
  test("has what viem's account has, and its own source", async () => {
    const { remote, local } = await createPair();
    expect(Object.keys(remote).sort()).toEqual(Object.keys(local).sort());
    const { address, publicKey, type } = local;
    expect(remote).toMatchObject({ address, publicKey, type, source: "remote", nonceManager: undefined });
    for (const [name, value] of Object.entries(local))
      expect([name, typeof Reflect.get(remote, name)]).toEqual([name, typeof value]);
  });

  test("is a LocalAccount to TypeScript and to viem's clients", async () => {
    const account: LocalAccount = await toViemAccount(new RemoteSigner(new MemoryKey(PRIVATE_KEY)));
    const client = createWalletClient({ account, transport: custom({ request: never }) });
    expect(client.account).toBe(account);
    expect(await client.getAddresses()).toEqual([LOCAL.address]);
  });

  test("takes a nonce manager", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    expect((await toViemAccount(signer, { nonceManager })).nonceManager).toBe(nonceManager);
    const own = createNonceManager({ source: { get: () => 5, set: () => {} } });
    expect((await toViemAccount(signer, { nonceManager: own })).nonceManager).toBe(own);
    expect((await toViemAccount(signer, { nonceManager: undefined })).nonceManager).toBeUndefined();
  });

  test("asks the key for its public key once, and for one signature each", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const account = await toViemAccount(signer);
    await toViemAccount(signer.connect(null));
    for (const [, request] of requests) await request(account);
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: requests.length });
  });

  test("shows no secret and no signer in a log", async () => {
    const key = Object.assign(new MemoryKey(PRIVATE_KEY), { pin: "planted-4711" });
    const account = await toViemAccount(new RemoteSigner(key));
    await account.signMessage({ message: "x" });
    const views = [
      inspect(account, { showHidden: true, depth: null, getters: true }),
      JSON.stringify(account),
      format("%o %O %s %j", account, account, account, account),
    ];
    for (const view of views) expect(view).not.toMatch(/planted-4711|RemoteSigner|MemoryKey/);
  });
});

describe("failures", () => {
  test("a public key that cannot be had fails the making of the account, and is asked for again the next time", async () => {
    const denied = new SignerError("ACCESS_DENIED", "grant kms:GetPublicKey");
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(denied) });
    const signer = new RemoteSigner(key);
    await expect(toViemAccount(signer)).rejects.toMatchObject({ code: "ACCESS_DENIED", backend: "faulty" });
    key.onFetch = undefined;
    expect((await toViemAccount(signer)).address).toBe(LOCAL.address);
  });

  test("another expectedAddress fails it too", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { expectedAddress: FRIEND });
    await expect(toViemAccount(signer)).rejects.toMatchObject({ code: "ADDRESS_MISMATCH" });
  });

  test.each(requests)("%s returns no signature by another key", async (_name, request) => {
    const other = new MemoryKey(HASH);
    const account = await brokenAccount((_honest, digest) => other.signDigest(digest));
    expect(await failureOf(() => request(account))).toMatchObject({ name: "SignerError", code: "SIGNATURE_MISMATCH" });
  });

  test.each(requests)("%s waits no longer than the signer's timeout", async (_name, request) => {
    const account = await brokenAccount(never, 20);
    expect(await failureOf(() => request(account))).toMatchObject({ name: "SignerError", code: "BACKEND_TIMEOUT" });
  });

  test.each(requests)("%s is refused once the signer is closed", async (_name, request) => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const account = await toViemAccount(signer);
    await signer.close();
    expect(await failureOf(() => request(account))).toMatchObject({ name: "SignerError", code: "SIGNER_CLOSED" });
  });

  test("the backend's error can be found in the error of a wallet client", async () => {
    const account = await brokenAccount(() => Promise.reject(new SignerError("THROTTLED", "the quota is used up")));
    const client = createWalletClient({ account, transport: custom({ request: never }) });
    const transaction = { chain: null, to: FRIEND, nonce: 0, gas: 21_000n, gasPrice: 1n, type: "legacy" } as const;
    const error = await client.sendTransaction({ ...transaction, chainId: 1 } as never).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: "TransactionExecutionError", details: "the quota is used up" });
    const { walk } = error as { walk(test: typeof isSignerError): unknown };
    expect(walk.call(error, isSignerError)).toMatchObject({ code: "THROTTLED", retryable: true, keyId: "faulty-key" });
  });
});
