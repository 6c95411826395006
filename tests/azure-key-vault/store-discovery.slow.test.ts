import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, hexlify } from "ethers";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { listingOf, startEmptyServer, storeFor } from "./store-setup.ts";

const OTHERS_PER_KEY = 3;
const KEYS = 1_000;
const CONCURRENCY = 10;

let server: KeyVaultServer;
const addresses = new Map<string, string>();
beforeAll(async () => {
  server = await startEmptyServer();
  for (let index = 0; index < KEYS; index++) {
    const name = `account-${index}`;
    const { key } = server.vault.put(name);
    addresses.set(name, computeAddress(hexlify(key?.publicKey ?? "0x")));
    for (let other = 0; other < OTHERS_PER_KEY; other++) {
      server.vault.put(`other-${index}-${other}`, { curve: other === 0 ? "P-384" : "P-256" });
    }
  }
  // RSA keys take long to make: some are enough.
  for (let index = 0; index < 3; index++) server.vault.put(`other-${index}-0`, { curve: "RSA" });
});
afterAll(async () => {
  await server.close();
});

describe("discovery", () => {
  test(`of ${KEYS} keys among ${KEYS * OTHERS_PER_KEY} others, 1 % throttled and 1 % forbidden, is complete`, async () => {
    server.faults.add({ kind: "throttle" }, { probability: 0.005 });
    server.faults.add({ kind: "throttle", retryAfter: 0 }, { probability: 0.005 });
    const message = "Caller is not authorized to perform action on resource.";
    const forbidden = { kind: "error", status: 403, code: "Forbidden", innerCode: "ForbiddenByRbac", message } as const;
    server.faults.add(forbidden, { operation: "getKey", probability: 0.01 });
    server.faults.add({ kind: "slow", ms: 1 }, { operation: "getKey" });

    const store = storeFor(server, { concurrency: CONCURRENCY });
    const { stored, failed } = await listingOf(store);

    // Every key is in the answer: with its address, or with the reason. Of keys that may not be got the kind is not known.
    const denied = new Set(failed.map(({ name }) => name));
    expect(stored.length + [...addresses.keys()].filter((name) => denied.has(name)).length).toBe(KEYS);
    expect(new Set(stored.map(({ name }) => name)).size).toBe(stored.length);
    for (const { name, address } of stored) expect(address).toBe(addresses.get(name ?? ""));
    expect(failed.length).toBeGreaterThan(KEYS * (1 + OTHERS_PER_KEY) * 0.005);
    expect(failed.length).toBeLessThan(KEYS * (1 + OTHERS_PER_KEY) * 0.02);
    for (const { error } of failed) expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });

    // The next page may be asked for while keys are got.
    expect(server.maxInFlight).toBeGreaterThan(1);
    expect(server.maxInFlight).toBeLessThanOrEqual(CONCURRENCY + 1);
    expect(server.openConnections).toBeLessThanOrEqual(CONCURRENCY + 1);
    await store.close();
  }, 600_000);
});
