import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { keccak256, verifyMessage } from "ethers";
import {
  type Abi,
  createPublicClient,
  createWalletClient,
  custom,
  defineChain,
  type Hex,
  type PublicClient,
  verifyTypedData,
  type WalletClient,
} from "viem";
import { compile } from "../../support/contracts/compile.ts";
import { type Fixture, FRIEND, OTHER_ADDRESS, otherWallet, startFixture, wallet } from "../support.ts";

const anvilChain = defineChain({
  id: 31337,
  name: "anvil",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [] } },
});
const account = wallet.address as Hex;
const friend = FRIEND as Hex;

let fixture: Fixture;
let client: WalletClient;
let reader: PublicClient;

beforeAll(async () => {
  fixture = await startFixture();
  const transport = custom(fixture.provider);
  client = createWalletClient({ account, chain: anvilChain, transport });
  reader = createPublicClient({ chain: anvilChain, transport, pollingInterval: 20 });
});

afterAll(() => fixture.anvil.stop());

test("addresses and the chain", async () => {
  expect(await client.getAddresses()).toEqual([wallet.address, otherWallet.address]);
  expect(await client.requestAddresses()).toEqual([wallet.address, otherWallet.address]);
  expect(await client.getChainId()).toBe(31337);
});

test.each(["legacy", "eip2930", "eip1559"] as const)("sendTransaction of type %s", async (type) => {
  const fees = type === "eip1559" ? {} : { gasPrice: 3_000_000_000n };
  const hash = await client.sendTransaction({
    account,
    chain: anvilChain,
    type,
    to: friend,
    value: 3n,
    ...fees,
  } as never);
  expect(await reader.waitForTransactionReceipt({ hash })).toMatchObject({ status: "success", type });
});

test("signMessage, text and raw", async () => {
  expect(verifyMessage("hello", await client.signMessage({ account, message: "hello" }))).toBe(wallet.address);
  const signature = await client.signMessage({ account, message: { raw: "0x00ff" } });
  expect(verifyMessage(Uint8Array.of(0, 255), signature)).toBe(wallet.address);
});

test("signTypedData", async () => {
  const data = {
    domain: { name: "Mail", chainId: 31337, verifyingContract: friend },
    types: { Mail: [{ name: "to", type: "address" }] },
    primaryType: "Mail",
    message: { to: friend },
  } as const;
  const signature = await client.signTypedData({ account, ...data });
  expect(await verifyTypedData({ address: account, signature, ...data })).toBe(true);
});

test("a contract: deployed, written, read", async () => {
  const { abi, bytecode } = await compile("token.sol", "Token");
  const typed = abi as Abi;
  const options = { account, chain: anvilChain, abi: typed };
  const hash = await client.deployContract({ ...options, bytecode: bytecode as Hex, args: [1_000n] });
  const { contractAddress: address } = await reader.waitForTransactionReceipt({ hash });
  if (!address) throw new Error("no contract");
  const write = await client.writeContract({ ...options, address, functionName: "transfer", args: [friend, 5n] });
  expect(await reader.waitForTransactionReceipt({ hash: write })).toMatchObject({ status: "success" });
  expect(await reader.readContract({ address, abi: typed, functionName: "balanceOf", args: [friend] })).toBe(5n);
});

test("capabilities and a batch of calls", async () => {
  expect(await client.getCapabilities({ account })).toMatchObject({ 31337: { atomic: { status: "unsupported" } } });
  const calls = [1n, 2n].map((value) => ({ to: friend, value }));
  const { id } = await client.sendCalls({ account, chain: anvilChain, calls });
  const status = await client.waitForCallsStatus({ id, pollingInterval: 20 });
  expect(status).toMatchObject({ statusCode: 200, status: "success", atomic: false });
  expect(status.receipts).toHaveLength(2);
});

test("signTransaction gives what sendRawTransaction takes", async () => {
  const request = { account: OTHER_ADDRESS as Hex, chain: anvilChain, to: friend, value: 1n };
  const serializedTransaction = await client.signTransaction(request as never);
  expect(await client.sendRawTransaction({ serializedTransaction })).toBe(keccak256(serializedTransaction));
});

test("an unknown account is refused as unauthorized", async () => {
  const unknown = friend;
  await expect(client.signMessage({ account: unknown, message: "hello" })).rejects.toThrow(/not been authorized/);
});
