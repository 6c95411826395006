import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { isStoredKey, type KeyStore, type StoredKey } from "../../src/index.ts";
import { until } from "../support/until.ts";
import { CLOUDS, type Cloud } from "./clouds.ts";

const DIGEST = id("a digest");
const CLOSED = { code: "SIGNER_CLOSED", message: expect.stringContaining("the store was closed") };

async function firstKey(store: KeyStore): Promise<StoredKey> {
  for await (const listed of store.list()) if (isStoredKey(listed)) return listed;
  throw new Error("no key");
}

describe.each(CLOUDS)("%s", (_name, start) => {
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await start();
  });

  afterEach(() => cloud.heal());

  afterAll(() => cloud.close());

  test("a signal that aborted already sends nothing", async () => {
    const signer = cloud.signer();
    await signer.getAddress();
    const before = cloud.requests();
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    for (const call of [
      signer.signDigest(DIGEST, { signal }),
      signer.verifyKey({ signal }),
      signer.custody({ signal }),
    ])
      await expect(call).rejects.toBe(reason);
    expect(cloud.requests()).toBe(before);
    await signer.close();
  });

  test("one caller's signal leaves the fetch of the public key to the others, and it is made once", async () => {
    const signer = cloud.signer();
    const before = cloud.count("getKey");
    cloud.fail("getKey", { slow: 100 }, 1);
    const controller = new AbortController();
    const aborted = expect(signer.signDigest(DIGEST, { signal: controller.signal })).rejects.toBe("enough");
    const others = Promise.all([signer.getAddress(), signer.signDigest(DIGEST)]);
    await until(() => cloud.count("getKey") > before);
    controller.abort("enough");
    await aborted;
    const [address, signature] = await others;
    expect(recoverAddress(DIGEST, signature)).toBe(address);
    expect(cloud.count("getKey")).toBe(before + 1);
    await signer.close();
  });

  test("an import of another address than the expected one, or of none, sends nothing", async () => {
    const store = cloud.store();
    const before = cloud.requests();
    const expected = Wallet.createRandom().address;
    const importing = (expectedAddress: string) =>
      store.importKey?.(id("a private key"), { name: cloud.free, expectedAddress });
    await expect(importing(expected)).rejects.toMatchObject({
      ...{ code: "ADDRESS_MISMATCH", backend: cloud.backend, operation: "importKey" },
      info: { expected, actual: new Wallet(id("a private key")).address },
    });
    await expect(importing("0x12")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(cloud.requests()).toBe(before);
    await store.close?.();
  });

  test("health of a store rejects with the reason of a signal", async () => {
    const store = cloud.store();
    const before = cloud.count("list");
    cloud.fail("list", "hang");
    const controller = new AbortController();
    const asking = expect(store.health?.({ signal: controller.signal })).rejects.toBe("enough");
    await until(() => cloud.count("list") > before);
    controller.abort("enough");
    await asking;
    await store.close?.();
  });

  test("closing a key ends that key alone", async () => {
    const store = cloud.store();
    const [first, second] = [await firstKey(store), await firstKey(store)];
    await first.key.close?.();
    await expect(first.key.signDigest(new Uint8Array(32))).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await expect(first.key.getPublicKey()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await second.key.signDigest(new Uint8Array(32));
    expect(await (await firstKey(store)).key.getPublicKey()).toHaveLength(65);
    await store.close?.();
  });

  test("closing a store waits for what is in flight, and ends the store and its keys", async () => {
    const store = cloud.store();
    const { key } = await firstKey(store);
    const before = cloud.count("sign");
    cloud.fail("sign", { slow: 50 }, 1);
    const signing = key.signDigest(new Uint8Array(32));
    await until(() => cloud.count("sign") > before);
    await Promise.all([store.close?.(), store.close?.()]);
    expect(await signing).toMatchObject({ r: expect.any(BigInt), s: expect.any(BigInt) });
    await expect(key.signDigest(new Uint8Array(32))).rejects.toMatchObject(CLOSED);
    await expect(firstKey(store)).rejects.toMatchObject(CLOSED);
    await expect(store.createKey?.({ name: cloud.free })).rejects.toMatchObject(CLOSED);
    await expect(store.importKey?.(id("a private key"), { name: cloud.free })).rejects.toMatchObject(CLOSED);
    expect(await store.health?.()).toMatchObject({ reachable: false, error: CLOSED });
  });
});
