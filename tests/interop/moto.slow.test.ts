import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DIGEST, rejectionOf } from "../aws-kms/support.ts";
import { describeWithEmulator } from "./emulator.ts";
import { EmulatedKms } from "./kms.ts";

// moto signs SHA-256 of the digest whatever the MessageType: a signer that trusted it would hand out a signature that
// recovers to another address.
describeWithEmulator("moto", (url) => {
  let kms: EmulatedKms;

  beforeAll(() => {
    kms = new EmulatedKms(url());
  });

  afterAll(async () => {
    await kms.close();
  });

  test("its wrong digest is caught", async () => {
    const { keyId, arn } = await kms.createKey();
    for (const signer of [kms.signer(keyId), kms.signer(arn)]) {
      expect(await signer.getAddress()).toMatch(/^0x[\dA-Fa-f]{40}$/);
      for (const action of [() => signer.signDigest(DIGEST), () => signer.signMessage("hello")]) {
        expect(await rejectionOf(action())).toMatchObject({ code: "SIGNATURE_MISMATCH", retryable: false });
      }
    }
  });

  test("its aliases resolve, and a moved one is found", async () => {
    const [first, second] = [await kms.createKey(), await kms.createKey()];
    await kms.createAlias("alias/treasury", first.keyId);
    const signer = kms.signer("alias/treasury");
    const address = await signer.getAddress();
    expect(address).toBe(await kms.signer(first.arn).getAddress());
    await signer.verifyKey();
    await kms.moveAlias("alias/treasury", second.keyId);
    expect(await rejectionOf(signer.verifyKey())).toMatchObject({
      code: "KEY_CHANGED",
      info: { previous: { address }, current: { address: await kms.signer(second.keyId).getAddress() } },
    });
  });

  test("its errors are told apart", async () => {
    const missing = kms.signer("11111111-2222-3333-4444-555555555555");
    expect(await rejectionOf(missing.getAddress())).toMatchObject({ code: "KEY_NOT_FOUND" });
    const { keyId } = await kms.createKey("ECC_NIST_P256");
    expect(await rejectionOf(kms.signer(keyId).getAddress())).toMatchObject({ code: "KEY_UNUSABLE" });
  });
});
