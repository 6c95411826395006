import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { computeAddress, id, recoverAddress, type Signature } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { type Kms, PRIVATE_KEY, startKms } from "./support.ts";

const QUOTA = 100;
const SIGNATURES = 300;
const ADDRESS = computeAddress(PRIVATE_KEY);

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterAll(async () => {
  await kms.server.close();
});

test("adaptive retry mode: 300 signatures a second against a quota of 100 all succeed, none wrong, without a storm", async () => {
  const signer = new KmsSigner({
    ...kms.options({ retryMode: "adaptive", maxAttempts: 20 }),
    ...{ expectedAddress: ADDRESS, timeout: 120_000 },
  });
  await signer.getAddress();
  kms.server.faults.add({ kind: "throttle" }, { operation: "Sign", beyondPerSecond: QUOTA });
  const digests = Array.from({ length: SIGNATURES }, (_, index) => id(`digest ${index}`));
  // Over a second: the SDK has retry tokens for a hundred throttled requests that are out before it learns of the first.
  const signing: Promise<Signature>[] = [];
  for (const digest of digests) {
    signing.push(signer.signDigest(digest));
    if (signing.length % 3 === 0) await sleep(10);
  }
  const signatures = await Promise.all(signing);
  signatures.forEach((signature, index) => {
    expect(recoverAddress(String(digests[index]), signature)).toBe(ADDRESS);
  });
  // A storm would be the most that the SDK may try: 20 for each.
  expect(kms.server.count("Sign")).toBeLessThan(SIGNATURES * 5);
  await signer.close();
});
