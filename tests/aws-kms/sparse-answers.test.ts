import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { isStoredKey, type ListedKey } from "../../src/accounts/key-store.ts";
import type { KmsKeyStore } from "../../src/aws-kms/index.ts";
import { listAll, openStore } from "./store-support.ts";
import { type Kms, startKms } from "./support.ts";

let kms: Kms;
let store: KmsKeyStore;

beforeEach(async () => {
  kms = await startKms();
  store = openStore(kms.server);
});

afterEach(async () => {
  await store.close();
  await kms.server.close();
});

async function listed(): Promise<ListedKey[]> {
  const { stored, failed } = await listAll(store.list());
  return [...stored, ...failed];
}

describe("a listing, where an answer leaves out what it may leave out", () => {
  test("no aliases at all: the keys have no names", async () => {
    kms.server.ring.putAlias("alias/treasury", kms.key);
    kms.server.faults.add({ kind: "alter", alter: () => ({ Truncated: false }) }, { operation: "ListAliases" });
    expect(await listed()).toMatchObject([{ name: undefined }]);
  });

  test("aliases without a name or a key, as some of AWS's own are, name nothing", async () => {
    const Aliases = [{ AliasName: "alias/aws/kms" }, { TargetKeyId: kms.key.keyId }];
    kms.server.faults.add(
      { kind: "alter", alter: () => ({ Aliases, Truncated: false }) },
      { operation: "ListAliases" },
    );
    expect(await listed()).toMatchObject([{ name: undefined }]);
  });

  test("no keys at all: none are found", async () => {
    kms.server.faults.add({ kind: "alter", alter: () => ({ Truncated: false }) }, { operation: "ListKeys" });
    expect(await listed()).toEqual([]);
  });

  test("a key whose state is new to this package cannot be used, and says its state", async () => {
    const alter = ({ KeyMetadata }: Readonly<Record<string, unknown>>) => ({
      KeyMetadata: { ...(KeyMetadata as object), KeyState: "Hibernating" },
    });
    kms.server.faults.add({ kind: "alter", alter }, { operation: "DescribeKey" });
    const [only] = await listed();
    expect(only && isStoredKey(only)).toBe(false);
    expect(only).toMatchObject({ error: { code: "KEY_UNUSABLE", info: { keyState: "Hibernating" } } });
  });
});
