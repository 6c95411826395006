import { DisableKeyCommand, EnableKeyCommand, ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import { describe, expect, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { KmsKeyStore } from "ethers-hsm/aws-kms";
import { addressesOf, listAll } from "../aws-kms/store-support.ts";
import { DIGEST, rejectionOf } from "../aws-kms/support.ts";
import type { EmulatedKms } from "./kms.ts";

/** A store's work, each test among the keys with tags of its own. */
export function describeKeyStore(kms: () => EmulatedKms): void {
  describe("a store of many keys", () => {
    test("what is created and imported is found, by tag and by alias, and signs", async () => {
      const tags = { suite: "found" };
      const wallet = Wallet.createRandom();
      const store = kms().store({ tags });
      const created = await store.createKey({ name: "alias/store-created", description: "created" });
      const imported = await store.importKey(wallet.privateKey, { name: "alias/store-imported" });
      expect(imported.address).toBe(wallet.address);
      for (const { address, key } of [created, imported]) {
        expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(address);
      }
      // A store that knows nothing of them yet.
      const listed = await listAll(kms().store({ tags }).list());
      expect(addressesOf(listed)).toEqual([created.address, imported.address].sort());
      expect(listed.failed).toEqual([]);
      const prefixed = await listAll(kms().store({ namePrefix: "alias/store-im" }).list());
      expect(prefixed.stored).toMatchObject([{ address: wallet.address, name: "alias/store-imported" }]);
      for (const { address, key } of listed.stored) {
        expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(address);
      }
    });

    test("pages of seven, among keys of other kinds", async () => {
      const tags = { suite: "pages" };
      const store = kms().store({ tags });
      const created: string[] = [];
      for (let index = 0; index < 30; index++) created.push((await store.createKey()).address);
      for (const spec of ["ECC_NIST_P256", "RSA_2048"] as const) await kms().createKey(spec);
      const { client, pages } = kms().pagedClient(7);
      const paged = new KmsKeyStore({ client, tags });
      expect(addressesOf(await listAll(paged.list()))).toEqual(created.sort());
      expect(pages()).toBeGreaterThan(4);
      await paged.close();
      client.destroy();
    });

    test("keys that cannot sign now are reported with the reason", async () => {
      const tags = { suite: "states" };
      const store = kms().store({ tags });
      const disabled = await store.createKey();
      const deleted = await store.createKey();
      await kms().client.send(new DisableKeyCommand({ KeyId: disabled.key.id }));
      await kms().client.send(new ScheduleKeyDeletionCommand({ KeyId: deleted.key.id, PendingWindowInDays: 7 }));
      const { stored, failed } = await listAll(store.list());
      expect(stored).toEqual([]);
      expect(failed.map(({ id, error }) => [id, error.code, error.info?.["keyState"]]).sort()).toEqual(
        [
          [disabled.key.id, "KEY_UNUSABLE", "Disabled"],
          [deleted.key.id, "KEY_UNUSABLE", "PendingDeletion"],
        ].sort(),
      );
      await kms().client.send(new EnableKeyCommand({ KeyId: disabled.key.id }));
      expect(addressesOf(await listAll(store.list()))).toEqual([disabled.address]);
    });

    test("ten random private keys arrive at ethers' address", async () => {
      const store = kms().store({ tags: { suite: "import" } });
      for (let index = 0; index < 10; index++) {
        const wallet = Wallet.createRandom();
        const { address, key } = await store.importKey(wallet.privateKey, { expectedAddress: wallet.address });
        expect(address).toBe(wallet.address);
        expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(wallet.address);
      }
    });

    test("an alias that exists already: nothing is made", async () => {
      const store = kms().store({ tags: { suite: "alias" } });
      const first = await store.createKey({ name: "alias/store-taken" });
      const error = await rejectionOf(store.createKey({ name: "alias/store-taken" }));
      expect(error).toMatchObject({ code: "KEY_EXISTS" });
      expect(addressesOf(await listAll(store.list()))).toEqual([first.address]);
    });

    test("its health", async () => {
      const store = kms().store({ tags: { suite: "health" } });
      await store.createKey();
      expect(await store.health()).toEqual({ reachable: true, canList: true, canSign: true, error: undefined });
    });
  });
}
