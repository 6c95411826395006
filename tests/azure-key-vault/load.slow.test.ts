import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { PRIVATE_KEY, signerFor, startServer } from "./setup.ts";

const SIGNATURES = 5_000;
const IN_FLIGHT = 50;
const { address } = new Wallet(PRIVATE_KEY);

let server: KeyVaultServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

describe("load", () => {
  test(`${SIGNATURES} signatures, ${IN_FLIGHT} in flight, under throttling and resets: all succeed and verify`, async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "throttle" }, { operation: "sign", probability: 0.025 });
    server.faults.add({ kind: "throttle", retryAfter: 0 }, { operation: "sign", probability: 0.025 });
    server.faults.add("reset", { operation: "sign", probability: 0.01 });

    let next = 0;
    const worker = async () => {
      while (next < SIGNATURES) {
        const digest = id(`${next++}`);
        const signature = await signer.signDigest(digest);
        // Each was verified against the public key already; this is ethers' own opinion, on some.
        if (next % 10 === 0) expect(recoverAddress(digest, signature)).toBe(address);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));

    expect(server.count("getKey")).toBe(1);
    expect(server.count("challenge")).toBe(1);
    // About 6 % of the requests failed and were repeated.
    expect(server.count("sign")).toBeGreaterThan(SIGNATURES * 1.03);
    expect(server.count("sign")).toBeLessThan(SIGNATURES * 1.12);
    expect(server.openConnections).toBeLessThanOrEqual(IN_FLIGHT);
    await signer.close();
  }, 600_000);
});
