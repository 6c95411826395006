import { ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { DIGEST, rejectionOf } from "../aws-kms/support.ts";
import { describeSignerContract } from "../contract/suite.ts";
import { describeWithEmulator } from "./emulator.ts";
import { EmulatedKms } from "./kms.ts";
import { describeKeyStore } from "./kms-store-suite.ts";
import { describeKeyNames } from "./kms-suite.ts";
import { describeSigning } from "./signing.ts";

// LocalStack signs as KMS does, and takes the contract suite's keys: the whole suite runs on another reading of AWS's
// documentation.
describeWithEmulator("localstack", (url) => {
  let kms: EmulatedKms;

  beforeAll(() => {
    kms = new EmulatedKms(url());
  });

  afterAll(async () => {
    await kms.close();
  });

  describeSignerContract("KmsSigner over LocalStack", async () => ({
    create: async (privateKey, provider) => kms.signer((await kms.importKey(privateKey)).arn, provider),
  }));

  describeSigning(async () => kms.signer((await kms.createKey()).arn));
  describeKeyNames(() => kms);
  describeKeyStore(() => kms);

  test("an imported key is the wallet's", async () => {
    const privateKey = id("a key for LocalStack");
    const { keyId } = await kms.importKey(privateKey);
    const signer = kms.signer(keyId);
    expect(await signer.getAddress()).toBe(new Wallet(privateKey).address);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(new Wallet(privateKey).address);
  });

  test("a key that is about to be deleted", async () => {
    const { arn } = await kms.createKey();
    const signer = kms.signer(arn);
    await signer.getAddress();
    await kms.client.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 }));
    expect(await rejectionOf(signer.signDigest(DIGEST))).toMatchObject({ code: "KEY_UNUSABLE", retryable: false });
  });
});
