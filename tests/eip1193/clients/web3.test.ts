import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { verifyMessage, verifyTypedData } from "ethers";
import { type ContractAbi, Web3 } from "web3";
import { compile } from "../../support/contracts/compile.ts";
import { type Fixture, FRIEND, startFixture, wallet } from "../support.ts";

let fixture: Fixture;
let web3: Web3;

beforeAll(async () => {
  fixture = await startFixture();
  web3 = new Web3(fixture.provider as never);
  web3.transactionPollingInterval = 20;
});

afterAll(() => fixture.anvil.stop());

test("accounts and the chain", async () => {
  expect(await web3.eth.getAccounts()).toContain(wallet.address);
  expect(await web3.eth.getChainId()).toBe(31337n);
});

test("sendTransaction", async () => {
  const receipt = await web3.eth.sendTransaction({ from: wallet.address, to: FRIEND, value: "9" });
  expect(receipt).toMatchObject({ status: 1n, from: wallet.address.toLowerCase() });
});

test("sign with personal_sign, and eth_sign if it is switched on", async () => {
  const signature = await web3.eth.personal.sign("hello", wallet.address, "");
  expect(verifyMessage("hello", signature)).toBe(wallet.address);
  const signed = await web3.eth.sign("0x1234", wallet.address);
  expect(verifyMessage(Uint8Array.of(0x12, 0x34), signed as string)).toBe(wallet.address);
});

test("signTypedData", async () => {
  const domain = { name: "Mail", chainId: 31337 };
  const types = { Mail: [{ name: "to", type: "address" }] };
  const EIP712Domain = [
    { name: "name", type: "string" },
    { name: "chainId", type: "uint256" },
  ];
  const message = { to: FRIEND };
  const data = { types: { EIP712Domain, ...types }, primaryType: "Mail", domain, message };
  const signature = await web3.eth.signTypedData(wallet.address, data);
  expect(verifyTypedData(domain, types, message, signature as string)).toBe(wallet.address);
});

test("a contract: deployed, written, read", async () => {
  const { abi, bytecode } = await compile("token.sol", "Token");
  const contract = new web3.eth.Contract(abi as ContractAbi);
  const from = wallet.address;
  const deployed = await contract.deploy({ data: bytecode, arguments: [1_000n] as never }).send({ from });
  const { transfer, balanceOf } = deployed.methods;
  if (!transfer || !balanceOf) throw new Error("no methods");
  const receipt = await transfer(FRIEND, 4n).send({ from });
  expect(receipt.status).toBe(1n);
  expect(await balanceOf(FRIEND).call()).toBe(4n);
});

test("signTransaction", async () => {
  const signed = await web3.eth.signTransaction({ from: wallet.address, to: FRIEND, value: "1", gas: "21000" });
  expect(signed.raw).toMatch(/^0x02/);
});
