import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { hexlify, JsonRpcProvider, Network, NonceManager, parseEther, randomBytes } from "ethers";
import type { RemoteSigner } from "ethers-hsm";
import { createProvider } from "ethers-hsm/eip1193";
import { ChainLedger } from "../soak/chain-ledger.ts";
import { ChainProxy, FAIR } from "../soak/chain-proxy.ts";
import { countOf, Sends, SINK } from "../soak/sends.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { CLOUDS, type Cloud, startAwsKms } from "./clouds.ts";
import { shiftClock } from "./shifted-clock.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const CALLERS = 20;
const SENDS_EACH = 5;
const TIMEOUT = 20_000;
const UNREACHABLE = -32002;
const DISCONNECTED = 4900;

let anvil: Anvil;
let proxy: ChainProxy;
let cloud: Cloud;
let upstream: JsonRpcProvider;
let complaints: string[];

beforeAll(async () => {
  anvil = await startAnvil();
});
beforeEach(async () => {
  complaints = [];
  proxy = await ChainProxy.start(anvil.url);
  const network = new Network("anvil", anvil.chainId);
  upstream = new JsonRpcProvider(proxy.url, network, { staticNetwork: network, cacheTimeout: -1 });
});
afterEach(async () => {
  upstream.destroy();
  await proxy.close();
  await cloud.server.kill();
});
afterAll(() => anvil.stop());

/** An account of its own on the chain, with nothing sent yet. */
async function openAccount(start: (privateKey: string) => Promise<Cloud>) {
  cloud = await start(hexlify(randomBytes(32)));
  await anvil.fund(cloud.address, parseEther("1000"));
  const signer = cloud.open({ timeout: TIMEOUT });
  await signer.getAddress();
  return { address: cloud.address, signer };
}

describe("sends through the EIP-1193 provider", () => {
  const codes = new Set<unknown>();
  beforeEach(() => codes.clear());

  async function sendAll(sends: Sends, sender: { address: string; signer: RemoteSigner }): Promise<number> {
    let sent = 0;
    const caller = async () => {
      for (let index = 0; index < SENDS_EACH; index += 1) {
        await sends.send(sender, [0, 1, 2, 4][index % 4] as number).then(
          () => (sent += 1),
          ({ code }: { code: unknown }) => codes.add(code),
        );
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return sent;
  }

  test.each(CLOUDS)(
    "%s killed and restarted, and answers of the node lost: the chain has what the callers were told",
    async (_, start) => {
      const sender = await openAccount(start);
      const provider = createProvider({ accounts: [sender.signer], provider: upstream });
      const sends = new Sends(provider, anvil.chainId);
      const account = cloud.address.toLowerCase();
      const ledger = await ChainLedger.open(anvil.provider(), [account], (text) => complaints.push(text));

      proxy.weather = { lostRequests: 0.02, lostAnswers: 0.03, delayMs: 10, outageMs: 80 };
      let isOver = false;
      let kills = 0;
      const killings = async () => {
        while (!isOver) {
          await setTimeout(400);
          await cloud.server.kill();
          if (!isOver) kills += 1;
          await setTimeout(300);
          await cloud.server.restart();
        }
      };
      const killing = killings();
      await sendAll(sends, sender);
      isOver = true;
      await killing;
      expect(kills).toBeGreaterThan(0);
      proxy.weather = FAIR;
      await ledger.reconcile(sends.take());
      expect(complaints).toEqual([]);
      const { sent, unknown, failed, mined, landed } = ledger.totals;
      expect(sent + unknown + failed).toBe(CALLERS * SENDS_EACH);
      expect(mined).toBe(sent + landed);
      // Every caller was told that something is out of reach, and nothing else: by the provider, or by the signer's authorize.
      const known: unknown[] = [UNREACHABLE, DISCONNECTED, "BACKEND_UNAVAILABLE"];
      expect([...codes].filter((code) => !known.includes(code))).toEqual([]);

      codes.clear();
      expect(await sendAll(sends, sender)).toBe(CALLERS * SENDS_EACH);
      await ledger.reconcile(sends.take());
      expect(complaints).toEqual([]);
      await sender.signer.close();
    },
  );

  test("a clock that jumps forward gives no nonce out again that a lagging node does not show yet", async () => {
    const sender = await openAccount(startAwsKms);
    // A load balancer whose next node has seen neither the first transaction nor the count with it.
    const lagging = {
      request: async ({ method, params }: { method: string; params?: readonly unknown[] | object }) => {
        if (method === "eth_getTransactionCount") return "0x0";
        if (method === "eth_getTransactionByHash") return null;
        return upstream.send(method, [...((params as readonly unknown[]) ?? [])]);
      },
    };
    const sends = new Sends(createProvider({ accounts: [sender.signer], provider: lagging }), anvil.chainId);
    const account = cloud.address.toLowerCase();
    const ledger = await ChainLedger.open(anvil.provider(), [account], (text) => complaints.push(text));
    await sends.send(sender, 2);
    // Within the five minutes that AWS allows, so that the signer has no part in it.
    const putRight = shiftClock(180_000);
    try {
      await sends.send(sender, 2);
    } finally {
      putRight();
    }
    await ledger.reconcile(sends.take());
    expect(complaints).toEqual([]);
    expect(ledger.totals).toMatchObject({ mined: 2, sent: 2 });
    await sender.signer.close();
  });
});

describe("sends through ethers' NonceManager", () => {
  test.each(CLOUDS)(
    "%s fails: every caller is told, and a gap is filled by a process that knows it",
    async (_, start) => {
      const { signer, address } = await openAccount(start);
      const manager = new NonceManager(signer.connect(upstream));
      const request = (value: number, nonce?: number) => ({
        ...{ to: SINK, value, type: 2, gasLimit: 30_000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1 },
        ...(nonce === undefined ? {} : { nonce }),
      });
      // The SDK's own repetitions take many of them; the rest are what the callers see.
      const fault = { kind: "reply", reply: { status: 503, body: "" } } as const;
      await cloud.server.setFaults([{ fault, operation: cloud.sign, probability: 0.7 }]);
      const outcomes = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_unused, index) => manager.sendTransaction(request(index + 1))),
      );
      await cloud.server.setFaults([]);
      const sent = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
      const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      expect(failures.length).toBeGreaterThan(0);
      for (const failure of failures) expect(failure).toMatchObject({ code: "BACKEND_UNAVAILABLE" });

      const nonces = sent.map(({ nonce }) => nonce);
      expect(new Set(nonces).size).toBe(sent.length);
      const gaps = Array.from({ length: CALLERS }, (_unused, nonce) => nonce).filter(
        (nonce) => !nonces.includes(nonce),
      );
      expect(gaps).toHaveLength(failures.length);
      const filled = await Promise.all(
        gaps.map((nonce) => signer.connect(upstream).sendTransaction(request(1_000, nonce))),
      );
      // Now every one of them is on the chain, each by its own hash and with its own nonce.
      const chain = anvil.provider();
      const mined = await Promise.all([...sent, ...filled].map(({ hash }) => chain.waitForTransaction(hash)));
      expect(mined.map((receipt) => receipt?.status)).toEqual(Array(CALLERS).fill(1));
      expect(await countOf(chain, address, "latest")).toBe(CALLERS);
      expect(await countOf(chain, address, "pending")).toBe(CALLERS);
      manager.reset();
      const next = await manager.sendTransaction(request(7));
      expect(next.nonce).toBe(CALLERS);
      await signer.close();
    },
  );
});
