import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { PRIVATE_KEY, signerFor, startServer, TRANSPORTS, wayTo } from "./setup.ts";

const SIGNATURES = 2_000;
const IN_FLIGHT = 50;
const { address } = new Wallet(PRIVATE_KEY);

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startServer({ grpc: true });
});
beforeEach(() => {
  server.faults.clear();
  server.log.length = 0;
});
afterAll(async () => {
  await server.close();
});

describe.each(TRANSPORTS)("by %s", (transport) => {
  test(`${SIGNATURES} signatures, ${IN_FLIGHT} in flight, 5 % throttled and 1 % reset: all succeed and verify`, async () => {
    const signer = signerFor(server, wayTo(server, transport));
    await signer.getAddress();
    server.faults.add({ kind: "throttle" }, { operation: "asymmetricSign", probability: 0.05 });
    server.faults.add("reset", { operation: "asymmetricSign", probability: 0.01 });
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
    expect(server.count("getPublicKey")).toBe(1);
    // About 6 % of the requests failed and were repeated.
    expect(server.count("asymmetricSign")).toBeGreaterThan(SIGNATURES * 1.02);
    expect(server.count("asymmetricSign")).toBeLessThan(SIGNATURES * 1.12);
  }, 600_000);
});
