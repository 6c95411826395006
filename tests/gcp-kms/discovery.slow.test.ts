import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { computeAddress } from "ethers";
import { isStoredKey } from "../../src/accounts/key-store.ts";
import { GcpKmsKeyStore } from "../../src/gcp-kms/index.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { LOCATION, startEmptyServer, wayTo } from "./setup.ts";

const KEYS = 1_000;
const RINGS = 4;
const CONCURRENCY = 20;
const addresses = new Map<string, string>();

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startEmptyServer();
  for (let index = 0; index < KEYS; index++) {
    const ring = `${LOCATION}/keyRings/ring-${index % RINGS}`;
    const key = server.rings.add(`${ring}/cryptoKeys/key-${index}`);
    const [version] = key.versions;
    addresses.set(
      version?.name ?? "",
      computeAddress(`0x${Buffer.from(version?.signer?.publicKey ?? []).toString("hex")}`),
    );
    server.rings.add(`${ring}/cryptoKeys/p256-${index}`, { algorithm: "EC_SIGN_P256_SHA256" });
    server.rings.add(`${ring}/cryptoKeys/symmetric-${index}`, { algorithm: "GOOGLE_SYMMETRIC_ENCRYPTION" });
  }
});
afterAll(async () => {
  await server.close();
});

test(`${KEYS} keys among ${3 * KEYS}, short and empty pages, 5 % throttled, 1 % reset and 1 % forbidden: each with its address or the reason`, async () => {
  Object.assign(server.pages, { limit: 70, empty: true });
  server.faults.add({ kind: "throttle" }, { probability: 0.05 });
  server.faults.add("reset", { probability: 0.01 });
  server.faults.add({ kind: "error", status: "PERMISSION_DENIED" }, { operation: "getPublicKey", probability: 0.01 });
  const store = new GcpKmsKeyStore({ ...wayTo(server), parent: LOCATION, concurrency: CONCURRENCY });
  const found = new Map<string, string>();
  for await (const listed of store.list()) {
    if (isStoredKey(listed)) found.set(listed.key.id, listed.address);
    else {
      expect(listed.error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
      found.set(listed.id, addresses.get(listed.id) ?? "not a key of this test");
    }
  }
  expect(found).toEqual(addresses);
  // The next page may be requested while keys are inspected.
  expect(server.maxInFlight).toBeLessThanOrEqual(CONCURRENCY + 1);
  await store.close();
}, 600_000);
