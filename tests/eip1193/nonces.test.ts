import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Transaction, toQuantity } from "ethers";
import { ProviderRpcError } from "../../src/eip1193/errors.ts";
import type { Eip1193Provider } from "../../src/eip1193/index.ts";
import { createProvider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { ADDRESS, type Fixture, FRIEND, failureOf, KEY, OTHER_ADDRESS, startFixture } from "./support.ts";

let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(() => fixture.anvil.stop());

function send(fields: object = {}, provider: Eip1193Provider = fixture.provider): Promise<unknown> {
  return provider.request({ method: "eth_sendTransaction", params: [{ from: ADDRESS, to: FRIEND, ...fields }] });
}

async function nonceOf(hash: unknown): Promise<number | undefined> {
  return (await fixture.chain.getTransaction(hash as string))?.nonce;
}

/** A provider whose upstream answers these methods, and leaves the rest to the chain. */
function over(
  answers: Record<string, (params: readonly unknown[]) => unknown>,
  key = new MemoryKey(KEY),
): Eip1193Provider {
  const request = async ({ method, params }: { method: string; params: unknown[] }) => {
    const answer = answers[method];
    return answer ? answer(params) : fixture.chain.send(method, params);
  };
  return createProvider({ accounts: [new RemoteSigner(key)], provider: { request } });
}

/** A key that fails to make the signatures with these numbers, counted from 1. */
class FailingKey extends MemoryKey {
  readonly #failing: readonly number[];

  constructor(failing: readonly number[]) {
    super(KEY);
    this.#failing = failing;
  }

  override async signDigest(digest: Uint8Array) {
    const signing = super.signDigest(digest);
    if (this.#failing.includes(this.signatures)) throw new Error("the key failed");
    return signing;
  }
}

test("parallel sends get consecutive nonces in the order of the requests", async () => {
  const hashes = await Promise.all(Array.from({ length: 20 }, (_, index) => send({ value: toQuantity(index) })));
  const transactions = await Promise.all(hashes.map((hash) => fixture.chain.getTransaction(hash as string)));
  expect(transactions.map((each) => each?.nonce)).toEqual(hashes.map((_, index) => index));
  expect(transactions.map((each) => each?.value)).toEqual(hashes.map((_, index) => BigInt(index)));
});

test("twenty sends cost twenty signatures while none fails", async () => {
  const key = new MemoryKey(KEY);
  const provider = over({}, key);
  await Promise.all(Array.from({ length: 20 }, () => send({}, provider)));
  expect(key.signatures).toBe(20);
});

test("accounts do not share nonces", async () => {
  const hashes = await Promise.all([send(), send({ from: OTHER_ADDRESS }), send(), send({ from: OTHER_ADDRESS })]);
  expect(await Promise.all(hashes.map(nonceOf))).toEqual([0, 0, 1, 1]);
});

describe("a send that fails frees its nonce, and those behind it move up", () => {
  test.each<[string, object]>([
    ["while it is filled in", { data: "0xfe", to: null }],
    ["when the node refuses it", { gas: "0x1" }],
    ["when it is more than the account has", { value: toQuantity(10n ** 24n), gas: "0x5208" }],
  ])("%s", async (_name, fields) => {
    const outcomes = await Promise.allSettled([send(), send(fields), send(), send()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    const sent = outcomes.filter((each) => each.status === "fulfilled");
    expect(await Promise.all(sent.map(({ value }) => nonceOf(value)))).toEqual([0, 1, 2]);
    expect(await nonceOf(await send())).toBe(3);
  });

  test("when the key does not sign", async () => {
    const provider = over({}, new FailingKey([2]));
    const outcomes = await Promise.allSettled([send({}, provider), send({}, provider), send({}, provider)]);
    const sent = outcomes.filter((each) => each.status === "fulfilled");
    expect(sent).toHaveLength(2);
    expect(await Promise.all(sent.map(({ value }) => nonceOf(value)))).toEqual([0, 1]);
  });

  test("when the account is not the provider's", async () => {
    expect(await failureOf(send({ from: FRIEND }))).toMatchObject({ code: 4100 });
    expect(await nonceOf(await send())).toBe(0);
  });
});

describe("an explicit nonce", () => {
  test("is kept, and counts for the sends behind it", async () => {
    const hashes = await Promise.all([send(), send({ nonce: "0x1" }), send(), send()]);
    expect(await Promise.all(hashes.map(nonceOf))).toEqual([0, 1, 2, 3]);
  });

  test("ahead of its time, its gap is filled by the next sends and it is stepped over", async () => {
    const hashes = [await send({ nonce: "0x2" }), await send(), await send(), await send()];
    expect(await Promise.all(hashes.map(nonceOf))).toEqual([2, 0, 1, 3]);
  });

  test("replaces a pending transaction", async () => {
    await fixture.chain.send("evm_setAutomine", [false]);
    const gas = { gas: "0x5208", maxPriorityFeePerGas: toQuantity(10n ** 9n) };
    const first = await send({ ...gas, maxFeePerGas: toQuantity(10n ** 10n) });
    const fees = { maxFeePerGas: toQuantity(10n ** 11n), maxPriorityFeePerGas: toQuantity(10n ** 10n) };
    const second = await send({ gas: "0x5208", ...fees, nonce: "0x0" });
    await fixture.chain.send("anvil_mine", []);
    expect(await fixture.chain.getTransactionReceipt(second as string)).toMatchObject({ status: 1 });
    expect(await fixture.chain.getTransactionReceipt(first as string)).toBeNull();
  });

  test("that is used up is the node's error", async () => {
    await send();
    const failure = await failureOf(send({ nonce: "0x0", gas: "0x5208" }));
    expect(failure).toBeInstanceOf(ProviderRpcError);
    expect(failure.message).toMatch(/nonce too low/);
  });
});

test("a node that lags behind does not make two sends share a nonce", async () => {
  const provider = over({ eth_getTransactionCount: () => "0x0" });
  const hashes = [await send({}, provider), await send({}, provider), await send({}, provider)];
  expect(await Promise.all(hashes.map(nonceOf))).toEqual([0, 1, 2]);
});

test("another process's transactions are stepped over", async () => {
  await send();
  const elsewhere = over({});
  expect(await nonceOf(await send({}, elsewhere))).toBe(1);
  expect(await nonceOf(await send())).toBe(2);
});

describe("the connection ends while a transaction is sent", () => {
  test("the node has it: the hash", async () => {
    const provider = over({
      eth_sendRawTransaction: async (params) => {
        await fixture.chain.send("eth_sendRawTransaction", [...params]);
        throw new Error("socket hang up");
      },
    });
    expect(await nonceOf(await send({}, provider))).toBe(0);
    expect(await nonceOf(await send())).toBe(1);
  });

  test("the request was repeated on the way and the node says that it has it already: the hash", async () => {
    const provider = over({
      eth_sendRawTransaction: async (params) => {
        await fixture.chain.send("eth_sendRawTransaction", [...params]);
        throw Object.assign(new Error("already known"), { code: -32000 });
      },
    });
    expect(await nonceOf(await send({}, provider))).toBe(0);
    expect(await nonceOf(await send())).toBe(1);
  });

  test("the node does not have it: 4900 with the hash, and the nonce is free", async () => {
    let raw = "";
    const provider = over({
      eth_sendRawTransaction: async ([bytes]) => {
        raw = String(bytes);
        throw new Error("socket hang up");
      },
    });
    const failure = await failureOf(send({}, provider));
    expect(failure).toMatchObject({ code: 4900, data: { transactionHash: Transaction.from(raw).hash } });
    expect(await nonceOf(await send())).toBe(0);
  });
});

test("a chain that cannot be asked for a nonce fails each send, and holds up none that comes later", async () => {
  let failures = 3;
  const provider = over({
    eth_getTransactionCount: (params) => {
      failures -= 1;
      if (failures >= 0) throw new ProviderRpcError(-32000, "come back later");
      return fixture.chain.send("eth_getTransactionCount", [...params]);
    },
  });
  const outcomes = await Promise.allSettled([send({}, provider), send({}, provider), send({}, provider)]);
  expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
  failures = 0;
  const sent = outcomes.filter(({ status }) => status === "fulfilled").length;
  expect(await nonceOf(await send({}, provider))).toBe(sent);
});
