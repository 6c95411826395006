import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ContractFactory, Interface, type InterfaceAbi } from "ethers";
import { compile } from "../support/contracts/compile.ts";
import { ADDRESS, type Fixture, FRIEND, failureOf, otherWallet, startFixture } from "./support.ts";

let fixture: Fixture;
let token: { readonly address: string; readonly abi: Interface };

beforeAll(async () => {
  fixture = await startFixture();
  const { abi, bytecode } = await compile("token.sol", "Token");
  const signer = otherWallet.connect(fixture.chain);
  const contract = await new ContractFactory(abi as InterfaceAbi, bytecode, signer).deploy(1_000n);
  await contract.waitForDeployment();
  const address = (await contract.getAddress()).toLowerCase();
  token = { address, abi: new Interface(abi as InterfaceAbi) };
});

afterAll(() => fixture.anvil.stop());

const call = { to: FRIEND, value: "0x1" };
const batch = { version: "2.0.0", chainId: "0x7a69", from: ADDRESS, atomicRequired: false, calls: [call, call] };

function transfer(to: string, value: bigint): { to: string; data: string } {
  return { to: token.address, data: token.abi.encodeFunctionData("transfer", [to, value]) };
}

async function sendCalls(fields: object = {}): Promise<string> {
  const params = [{ ...batch, ...fields }];
  const { id } = (await fixture.provider.request({ method: "wallet_sendCalls", params })) as { id: string };
  return id;
}

function status(id: string): Promise<unknown> {
  return fixture.provider.request({ method: "wallet_getCallsStatus", params: [id] });
}

/** The status once the node, which answers before it mines, has mined what it was sent. */
async function finalStatus(id: string): Promise<unknown> {
  for (;;) {
    const answer = await status(id);
    if ((answer as { readonly status: number }).status !== 100) return answer;
  }
}

test("capabilities: of our accounts, on our chain", async () => {
  const ask = (...params: unknown[]) => fixture.provider.request({ method: "wallet_getCapabilities", params });
  const none = { "0x7a69": { atomic: { status: "unsupported" } } };
  expect(await ask(ADDRESS)).toEqual(none);
  expect(await ask(ADDRESS, ["0x1", "0x7a69"])).toEqual(none);
  expect(await ask(ADDRESS, ["0x1"])).toEqual({});
  expect(await failureOf(ask(FRIEND))).toMatchObject({ code: 4100 });
});

test("the calls are sent in order, each as a transaction, and the status has their receipts", async () => {
  const before = await fixture.chain.getTransactionCount(ADDRESS);
  const id = await sendCalls();
  expect(await finalStatus(id)).toMatchObject({
    version: "2.0.0",
    id,
    chainId: "0x7a69",
    atomic: false,
    status: 200,
    receipts: [{ status: "0x1" }, { status: "0x1" }],
  });
  expect(await fixture.chain.getTransactionCount(ADDRESS)).toBe(before + 2);
});

test("a call may depend on the one before it, which is pending", async () => {
  const from = otherWallet.address;
  const id = await sendCalls({ from, calls: [transfer(ADDRESS, 10n)] });
  await fixture.chain.send("evm_setAutomine", [false]);
  const dependent = await sendCalls({ calls: [transfer(FRIEND, 10n), call] });
  expect(await status(dependent)).toMatchObject({ status: 100, receipts: [] });
  await fixture.chain.send("evm_setAutomine", [true]);
  await fixture.chain.send("anvil_mine", []);
  expect(await finalStatus(id)).toMatchObject({ status: 200 });
  expect(await finalStatus(dependent)).toMatchObject({
    status: 200,
    receipts: [{ logs: [{ address: token.address }] }, {}],
  });
});

test("the first account sends where no other is named, and the id may be the caller's", async () => {
  const id = await sendCalls({ from: undefined, id: "my batch", calls: [call] });
  expect(id).toBe("my batch");
  expect(await finalStatus(id)).toMatchObject({ status: 200, atomic: true });
  expect(await failureOf(sendCalls({ id }))).toMatchObject({ code: 5720 });
});

test("a single call is atomic", async () => {
  expect(await finalStatus(await sendCalls({ atomicRequired: true, calls: [call] }))).toMatchObject({
    atomic: true,
    status: 200,
  });
});

test("a first call that cannot be sent is the request's failure, and its id is free", async () => {
  const failing = { id: "failing", calls: [transfer(FRIEND, 10_000n), call] };
  expect((await failureOf(sendCalls(failing))).message).toMatch(/balance too low/);
  expect(await failureOf(status("failing"))).toMatchObject({ code: 5730 });
});

test("a later call that cannot be sent ends the batch, which is partial", async () => {
  const before = await fixture.chain.getTransactionCount(ADDRESS);
  const id = await sendCalls({ calls: [call, transfer(FRIEND, 10_000n), call] });
  expect(await finalStatus(id)).toMatchObject({ status: 600, receipts: [{ status: "0x1" }] });
  expect(await fixture.chain.getTransactionCount(ADDRESS)).toBe(before + 1);
});

describe("refused before anything is sent", () => {
  test.each<[string, object, number]>([
    ["several calls that must be atomic", { atomicRequired: true }, 5760],
    ["another chain", { chainId: "0x1" }, 5710],
    ["a capability", { capabilities: { paymasterService: { url: "" } } }, 5700],
    ["a capability of a call", { calls: [{ ...call, capabilities: { gas: {} } }] }, 5700],
    ["101 calls", { calls: Array.from({ length: 101 }, () => call) }, 5740],
    ["an account that is not the provider's", { from: FRIEND }, 4100],
    ["another version", { version: "1.0" }, -32602],
    ["no atomicRequired", { atomicRequired: undefined }, -32602],
    ["no calls", { calls: [] }, -32602],
    ["an empty call", { calls: [{}] }, -32602],
    ["an id that is a number", { id: 1 }, -32602],
  ])("%s", async (_name, fields, code) => {
    const before = await fixture.chain.getTransactionCount(ADDRESS);
    expect(await failureOf(sendCalls(fields))).toMatchObject({ code });
    expect(await fixture.chain.getTransactionCount(ADDRESS)).toBe(before);
  });

  test("but not a capability that is optional", async () => {
    const capabilities = { paymasterService: { optional: true } };
    expect(await finalStatus(await sendCalls({ capabilities }))).toMatchObject({ status: 200 });
  });
});
