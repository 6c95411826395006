import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Transaction, toQuantity } from "ethers";
import { ADDRESS, type Fixture, FRIEND, failureOf, otherWallet, startFixture, wallet } from "./support.ts";

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.anvil.stop());

const WORD = `0x${"11".repeat(32)}`;
const base = { from: ADDRESS, to: FRIEND };
const filled = { ...base, gas: "0x5208", nonce: "0x7", chainId: "0x7a69" };
const eip1559 = { maxFeePerGas: "0x3b9aca00", maxPriorityFeePerGas: "0x1" };

async function sign(transaction: object): Promise<string> {
  return (await fixture.provider.request({ method: "eth_signTransaction", params: [transaction] })) as string;
}

async function authorization(): Promise<Record<string, unknown>> {
  const { address, nonce, chainId, signature } = await otherWallet.authorize({ address: FRIEND, nonce: 0, chainId: 0 });
  const { yParity, r, s } = signature;
  const numbers = { nonce, chainId, yParity, r, s };
  const quantities = Object.entries(numbers).map(([name, value]) => [name, toQuantity(value)]);
  return { address, ...Object.fromEntries(quantities) };
}

describe("every type is signed as asked for", () => {
  const accessList = [{ address: FRIEND, storageKeys: [WORD] }];

  test.each<[string, object, number]>([
    ["gasPrice alone: type 0", { gasPrice: "0x3b9aca00" }, 0],
    ["gasPrice and an access list: type 1", { gasPrice: "0x3b9aca00", accessList }, 1],
    ["fees of EIP-1559: type 2", eip1559, 2],
    ["no fees: type 2", {}, 2],
    ["type 0 by name", { type: "0x0" }, 0],
    ["type 1 by name", { type: "0x1", accessList }, 1],
    ["type 2 by name", { type: "0x2", ...eip1559, accessList }, 2],
  ])("%s", async (_name, fields, type) => {
    const parsed = Transaction.from(await sign({ ...filled, ...fields, value: "0xde0b6b3a7640000", data: "0xABcd" }));
    expect(parsed).toMatchObject({ type, from: wallet.address, nonce: 7, gasLimit: 21_000n, chainId: 31337n });
    expect(parsed).toMatchObject({ value: 10n ** 18n, data: "0xabcd" });
  });

  test("type 4, with and without both fees given", async () => {
    const authorizationList = [await authorization()];
    for (const fees of [{}, eip1559]) {
      const parsed = Transaction.from(await sign({ ...filled, ...fees, authorizationList }));
      expect(parsed).toMatchObject({ type: 4, from: wallet.address });
      expect(parsed.authorizationList?.[0]).toMatchObject({ nonce: 0n, chainId: 0n });
    }
  });

  test("type 0 has EIP-155's v", async () => {
    const { signature } = Transaction.from(await sign({ ...filled, gasPrice: "0x1" }));
    expect(signature?.networkV).not.toBeNull();
  });

  test("the answer is the bytes that the chain takes", async () => {
    const raw = await sign({ ...base, value: "0x1" });
    const hash = await fixture.chain.send("eth_sendRawTransaction", [raw]);
    expect(hash).toBe(Transaction.from(raw).hash);
  });
});

describe("malformed transactions are -32602", () => {
  test.each<[string, unknown, RegExp]>([
    ["no object", "0x", /must be an object/],
    ["a list", [], /must be an object/],
    ["no from", { to: FRIEND }, /from is missing/],
    ["a from that is not an address", { ...base, from: "0x12" }, /from must be an address/],
    ["a name as to", { ...base, to: "friend.eth" }, /to must be an address/],
    ["a bad checksum", { ...base, to: "0x8ba1f109551bD432803012645Ac136ddd64DBA7A" }, /checksum/],
    ["neither to nor data", { from: ADDRESS, data: "0x" }, /creates a contract/],
    ["a number that is not an integer", { ...base, value: 1.5 }, /value must be a quantity/],
    ["a negative number", { ...base, value: -1 }, /value must be a quantity/],
    ["a number that is not exact", { ...base, value: 2 ** 53 }, /value must be a quantity/],
    ["more priority fee than fee", { ...base, maxFeePerGas: "0x1", maxPriorityFeePerGas: "0x2" }, /is more than/],
    ["a decimal value", { ...base, value: "1" }, /value must be a quantity/],
    ["an empty quantity", { ...base, gas: "0x" }, /gas must be a quantity/],
    ["a negative quantity", { ...base, gas: "-0x1" }, /gas must be a quantity/],
    ["more than 256 bits", { ...base, value: `0x1${"0".repeat(64)}` }, /value must be a quantity/],
    ["a nonce too large", { ...base, nonce: "0xffffffffffffffff" }, /nonce is too large/],
    ["half a byte of data", { ...base, data: "0x123" }, /data must be data/],
    ["data without 0x", { ...base, data: "1234" }, /data must be data/],
    ["data and input that differ", { ...base, data: "0x12", input: "0x34" }, /data and input differ/],
    ["an unknown field", { ...base, gasLimit: "0x1" }, /unknown field: gasLimit/],
    ["a field of Object", { ...base, constructor: "0x1" }, /unknown field: constructor/],
    ["both kinds of fees", { ...base, gasPrice: "0x1", maxFeePerGas: "0x1" }, /no maxFeePerGas/],
    ["type 2 with gasPrice", { ...base, type: "0x2", gasPrice: "0x1" }, /no gasPrice/],
    ["type 0 with an access list", { ...base, type: "0x0", accessList: [] }, /no accessList/],
    ["an access list that is none", { ...base, accessList: {} }, /accessList must be an array/],
    ["an access list without keys", { ...base, accessList: [{ address: FRIEND }] }, /storageKeys must be an array/],
    ["short keys", { ...base, accessList: [{ address: FRIEND, storageKeys: ["0x1122"] }] }, /32 bytes/],
    ["type 4 without authorizations", { ...base, type: "0x4" }, /needs an authorizationList/],
    ["type 2 with authorizations", { ...base, type: "0x2", authorizationList: [] }, /needs type 4/],
    ["an authorization without r", { ...base, authorizationList: [{ address: FRIEND, yParity: "0x0" }] }, /quantity/],
    ["yParity 2", { ...base, authorizationList: [{ address: FRIEND, yParity: "0x2" }] }, /yParity must be/],
  ])("%s", async (_name, transaction, message) => {
    for (const method of ["eth_sendTransaction", "eth_signTransaction"]) {
      const failure = await failureOf(fixture.provider.request({ method, params: [transaction] }));
      expect(failure).toMatchObject({ name: "ProviderRpcError", code: -32602 });
      expect(failure.message).toMatch(message);
    }
  });
});

test.each<[string, object]>([
  ["blobs", { blobVersionedHashes: [WORD] }],
  ["type 3", { type: "0x3" }],
  ["type 5", { type: "0x5" }],
])("%s are not supported: 4200", async (_name, fields) => {
  const request = fixture.provider.request({ method: "eth_sendTransaction", params: [{ ...base, ...fields }] });
  expect(await failureOf(request)).toMatchObject({ code: 4200 });
});

test("another chain is 4901, before anything is signed or sent", async () => {
  const params = [{ ...base, chainId: "0x1" }];
  const count = await fixture.chain.getTransactionCount(ADDRESS);
  expect(await failureOf(fixture.provider.request({ method: "eth_sendTransaction", params }))).toMatchObject({
    code: 4901,
  });
  expect(await fixture.chain.getTransactionCount(ADDRESS)).toBe(count);
});

test("null and undefined are absent, data and input may be equal", async () => {
  const fields = { value: null, nonce: undefined, gas: null, data: "0xAB", input: "0xab" };
  expect(Transaction.from(await sign({ ...base, ...fields })).data).toBe("0xab");
});
