import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { until } from "../support/until.ts";
import { type Kms, PRIVATE_KEY, startKms } from "./support.ts";

const SIGNATURES = 5_000;
const IN_FLIGHT = 50;
const ADDRESS = new Wallet(PRIVATE_KEY).address;

let kms: Kms;

beforeAll(async () => {
  kms = await startKms({ seed: 20_260_101 });
});

afterAll(async () => {
  await kms.server.close();
});

test("5,000 signatures, 50 in flight, 5 % throttled and 1 % reset: all succeed and verify", async () => {
  // The SDK's three attempts by default would let about 5,000 · 0.06³ ≈ 1 fail; eight leave 10⁻⁶.
  const signer = new KmsSigner(kms.options({ maxAttempts: 8 }));
  kms.server.faults.add({ kind: "throttle" }, { operation: "Sign", probability: 0.05 });
  kms.server.faults.add({ kind: "reset" }, { operation: "Sign", probability: 0.01 });
  let next = 0;
  const addresses = new Map<string, number>();
  const worker = async () => {
    while (next < SIGNATURES) {
      const digest = id(`digest ${next++}`);
      const address = recoverAddress(digest, await signer.signDigest(digest));
      addresses.set(address, (addresses.get(address) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  expect([...addresses]).toEqual([[ADDRESS, SIGNATURES]]);
  expect(kms.server.count("GetPublicKey")).toBe(1);
  // One Sign for each signature, and the SDK's repetitions: 6 % ± 1.5 %.
  const repeated = kms.server.count("Sign") - SIGNATURES;
  expect(repeated).toBeGreaterThan(SIGNATURES * 0.045);
  expect(repeated).toBeLessThan(SIGNATURES * 0.08);
  // A connection for each in flight, and one more for each reset: none is made again for a signature.
  expect(kms.server.connections).toBeLessThan(IN_FLIGHT + SIGNATURES * 0.02);
  await signer.close();
  await until(() => kms.server.openConnections === 0);
}, 600_000);
