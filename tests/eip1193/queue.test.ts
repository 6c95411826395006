import { beforeEach, describe, expect, test } from "@jest/globals";
import { createProvider, type Eip1193Provider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { until } from "../support/until.ts";
import { FakeNode, gate, nodeError } from "./fake-node.ts";
import { ADDRESS, FRIEND, failureOf, KEY } from "./support.ts";

let node: FakeNode;
let key: FaultyKey;
let provider: Eip1193Provider;

beforeEach(() => {
  node = new FakeNode();
  key = new FaultyKey(KEY);
  provider = open();
});

function open(timeout = 30_000): Eip1193Provider {
  return createProvider({ accounts: [new RemoteSigner(key)], provider: node, timeout });
}

function send(fields: object = {}, by = provider): Promise<unknown> {
  return by.request({ method: "eth_sendTransaction", params: [{ from: ADDRESS, to: FRIEND, ...fields }] });
}

/** Lets everything happen that does not wait for a gate. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const nonces = () => node.sent.map(({ nonce }) => nonce);

describe("an upstream request that never settles", () => {
  test.each([
    "eth_chainId",
    "eth_estimateGas",
    "eth_getBlockByNumber",
    "eth_getTransactionCount",
    "eth_sendRawTransaction",
  ])("%s fails its own send after the timeout, and no later one", async (method) => {
    const quick = open(50);
    const honest = node.answers[method];
    node.answers[method] = () => {
      if (honest) node.answers[method] = honest;
      return never();
    };
    const [first, second] = [send({}, quick), send({}, quick)];
    const failure = await failureOf(first);
    expect([-32002, 4900]).toContain(failure.code);
    await second;
    expect(nonces()).toEqual([0]);
  });

  test("the error names the method and the time", async () => {
    node.answers["eth_blockNumber"] = never;
    const failure = await failureOf(open(20).request({ method: "eth_blockNumber" }));
    expect(failure).toMatchObject({ code: -32002 });
    expect(failure.message).toBe("the upstream did not answer eth_blockNumber within 20 ms");
  });

  test("a broadcast that was not answered may have arrived: 4900 with its hash", async () => {
    node.answers["eth_sendRawTransaction"] = never;
    expect(await failureOf(send({}, open(20)))).toMatchObject({
      code: 4900,
      data: { transactionHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    });
  });

  test("a replacement does not wait for what it replaces, nor for anything else", async () => {
    const honest = node.answers["eth_sendRawTransaction"];
    const held = gate();
    node.answers["eth_sendRawTransaction"] = (params) => held.opened.then(() => honest?.(params));
    const stuck = [send(), send(), send()];
    await until(() => node.methods.includes("eth_sendRawTransaction"));
    if (honest) node.answers["eth_sendRawTransaction"] = honest;
    const fees = { maxFeePerGas: "0xba43b7400", maxPriorityFeePerGas: "0xba43b7400" };
    await send({ nonce: "0x0", ...fees });
    expect(nonces()).toEqual([0]);
    held.open();
    await Promise.allSettled(stuck);
  });

  test("an explicit nonce below the chain's count does not wait either", async () => {
    node.answers["eth_getTransactionCount"] = () => "0x5";
    const held = gate();
    key.onSign = (honest, digest) => held.opened.then(() => honest.signDigest(digest));
    const slow = send();
    await settle();
    key.onSign = undefined;
    await send({ nonce: "0x3" });
    expect(nonces()).toEqual([3]);
    held.open();
    await slow;
  });
});

describe("signatures", () => {
  test("the next is made while the one before is broadcast, and no more than that", async () => {
    const honest = node.answers["eth_sendRawTransaction"];
    const held = gate();
    node.answers["eth_sendRawTransaction"] = (params) => held.opened.then(() => honest?.(params));
    const sends = [send(), send(), send(), send()];
    await until(() => key.honest.signatures === 2);
    await settle();
    expect(key.honest.signatures).toBe(2);
    held.open();
    await Promise.all(sends);
    expect(nonces()).toEqual([0, 1, 2, 3]);
    expect(key.honest.signatures).toBe(4);
  });

  test("none is made before the one before it is signed", async () => {
    const held = gate();
    let asked = 0;
    key.onSign = async (honest, digest) => {
      asked += 1;
      await held.opened;
      return honest.signDigest(digest);
    };
    const sends = [send(), send(), send()];
    await until(() => asked > 0);
    await settle();
    expect(asked).toBe(1);
    held.open();
    await Promise.all(sends);
    expect(nonces()).toEqual([0, 1, 2]);
  });

  test("a send whose gas cannot be estimated costs none", async () => {
    let estimates = 0;
    node.answers["eth_estimateGas"] = () => {
      estimates += 1;
      if (estimates === 1) throw nodeError("execution reverted", 3);
      return "0x5208";
    };
    const [first, ...others] = [send(), send(), send()];
    expect(await failureOf(first as Promise<unknown>)).toMatchObject({ code: 3 });
    await Promise.all(others);
    expect(nonces()).toEqual([0, 1]);
    expect(key.honest.signatures).toBe(2);
  });

  test("a send that the node refuses costs the next one a second signature, and leaves no gap", async () => {
    const honest = node.answers["eth_sendRawTransaction"];
    let broadcasts = 0;
    node.answers["eth_sendRawTransaction"] = (params) => {
      broadcasts += 1;
      if (broadcasts === 1) return settle().then(() => Promise.reject(nodeError("intrinsic gas too low")));
      return honest?.(params);
    };
    const [first, ...others] = [send(), send(), send(), send()];
    expect((await failureOf(first as Promise<unknown>)).message).toMatch(/intrinsic gas/);
    await Promise.all(others);
    expect(nonces()).toEqual([0, 1, 2]);
    expect(key.honest.signatures).toBe(5);
  });
});

test("gas and fees are asked for in parallel", async () => {
  const held = gate();
  node.answers["eth_estimateGas"] = () => held.opened.then(() => "0x5208");
  const sends = [send(), send(), send()];
  await until(() => node.methods.filter((method) => method === "eth_estimateGas").length === 3);
  held.open();
  await Promise.all(sends);
  expect(nonces()).toEqual([0, 1, 2]);
});

test.each([
  ["hardhat_metadata that the node does not have changes nothing", undefined, [0, 1]],
  ["hardhat_setNonce that the node has makes its count right", () => true, [0, 0]],
] as const)("%s", async (_name, answer, expected) => {
  node.answers["eth_getTransactionCount"] = () => "0x0";
  await send();
  const method = answer ? "hardhat_setNonce" : "hardhat_metadata";
  if (answer) node.answers[method] = answer;
  await provider.request({ method }).catch(() => {});
  await send();
  expect(nonces()).toEqual(expected);
});
