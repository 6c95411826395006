import { DisableKeyCommand, EnableKeyCommand } from "@aws-sdk/client-kms";
import { describe, expect, test } from "@jest/globals";
import { recoverAddress } from "ethers";
import { DIGEST, rejectionOf } from "../aws-kms/support.ts";
import type { EmulatedKms } from "./kms.ts";

/** How keys are named, moved, disabled and missed, on an emulator that signs as KMS does. */
export function describeKeyNames(kms: () => EmulatedKms): void {
  describe("names and states of keys", () => {
    test("every form of the key's name is the same account", async () => {
      const { keyId, arn } = await kms().createKey();
      await kms().createAlias("alias/named", keyId);
      const names = [keyId, arn, "alias/named", arn.replace(/key\/.*$/, "alias/named")];
      const addresses = await Promise.all(names.map((name) => kms().signer(name).getAddress()));
      expect(new Set(addresses).size).toBe(1);
      for (const name of names) {
        expect(recoverAddress(DIGEST, await kms().signer(name).signDigest(DIGEST))).toBe(addresses[0]);
      }
    });

    test("an alias that moves does not move the account, and is found", async () => {
      const [first, second] = [await kms().createKey(), await kms().createKey()];
      await kms().createAlias("alias/treasury", first.keyId);
      const signer = kms().signer("alias/treasury");
      const address = await signer.getAddress();
      await kms().moveAlias("alias/treasury", second.keyId);
      expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
      expect(await rejectionOf(signer.verifyKey())).toMatchObject({
        code: "KEY_CHANGED",
        info: { previous: { address }, current: { address: await kms().signer(second.arn).getAddress() } },
      });
    });

    test("a disabled key, and one that is enabled again", async () => {
      const { arn } = await kms().createKey();
      const signer = kms().signer(arn);
      await signer.getAddress();
      await kms().client.send(new DisableKeyCommand({ KeyId: arn }));
      expect(await rejectionOf(signer.signDigest(DIGEST))).toMatchObject({ code: "KEY_UNUSABLE" });
      await kms().client.send(new EnableKeyCommand({ KeyId: arn }));
      expect((await signer.signDigest(DIGEST)).isValid()).toBe(true);
    });

    test("a key that is not there, and one of another curve", async () => {
      const missing = kms().signer("11111111-2222-3333-4444-555555555555");
      expect(await rejectionOf(missing.getAddress())).toMatchObject({ code: "KEY_NOT_FOUND" });
      const { keyId } = await kms().createKey("ECC_NIST_P256");
      expect(await rejectionOf(kms().signer(keyId).getAddress())).toMatchObject({ code: "KEY_UNUSABLE" });
    });
  });
}
