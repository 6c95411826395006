import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { until } from "../support/until.ts";
import { ADDRESS, type Fixture, FRIEND, startFixture } from "./support.ts";

let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(() => fixture.anvil.stop());

async function sendFor(nonce: number): Promise<void> {
  const params = [{ from: ADDRESS, to: FRIEND }];
  const hash = await fixture.provider.request({ method: "eth_sendTransaction", params });
  expect(await fixture.chain.getTransaction(String(hash))).toMatchObject({ nonce });
  // anvil mines after it has answered.
  const receipt = () => fixture.chain.getTransactionReceipt(String(hash));
  await until(async () => (await receipt()) !== null);
  expect(await receipt()).toMatchObject({ status: 1 });
}

/** Requests of a test's set-up: over the provider, as Hardhat's loadFixture sends them, or over a connection of its own. */
const WAYS: readonly [string, (method: string, ...params: unknown[]) => Promise<unknown>][] = [
  ["over the provider", (method, ...params) => fixture.provider.request({ method, params })],
  ["over another connection", (method, ...params) => fixture.chain.send(method, params)],
];

describe.each(WAYS)("a chain that is set back %s has its nonces again", (_name, request) => {
  test.each([1, 2, 3])("by evm_revert, after %d transactions", async (count) => {
    await sendFor(0);
    const snapshot = await request("evm_snapshot");
    for (let nonce = 1; nonce <= count; nonce += 1) await sendFor(nonce);
    await request("evm_revert", snapshot);
    await sendFor(1);
    await sendFor(2);
  });

  test("by anvil_reset", async () => {
    await sendFor(0);
    await request("anvil_reset");
    await request("anvil_setBalance", ADDRESS, "0xde0b6b3a7640000");
    await sendFor(0);
  });

  test("by anvil_setNonce", async () => {
    await sendFor(0);
    await request("anvil_setNonce", ADDRESS, "0x9");
    await sendFor(9);
  });

  test("by anvil_dropAllTransactions", async () => {
    await sendFor(0);
    await request("evm_setAutomine", false);
    const params = [{ from: ADDRESS, to: FRIEND }];
    await fixture.provider.request({ method: "eth_sendTransaction", params });
    await request("anvil_dropAllTransactions");
    await request("evm_setAutomine", true);
    await sendFor(1);
  });
});

test("snapshots beside sends under way: every nonce is used once", async () => {
  const send = () =>
    fixture.provider.request({ method: "eth_sendTransaction", params: [{ from: ADDRESS, to: FRIEND }] });
  const sends = [send(), send(), fixture.provider.request({ method: "evm_snapshot" }), send(), send()];
  await Promise.all(sends);
  expect(await fixture.chain.getTransactionCount(ADDRESS)).toBe(4);
});
