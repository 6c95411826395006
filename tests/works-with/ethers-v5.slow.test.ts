import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ethers as v5 } from "ethers-v5";
import { type Fixture, FRIEND, startFixture, wallet } from "../eip1193/support.ts";
import { compile } from "../support/contracts/compile.ts";

let fixture: Fixture;
let signer: v5.providers.JsonRpcSigner;
beforeAll(async () => {
  fixture = await startFixture();
  const provider = new v5.providers.Web3Provider(fixture.provider);
  provider.pollingInterval = 20;
  signer = provider.getSigner(wallet.address);
});
afterAll(() => fixture.anvil.stop());

test("transactions", async () => {
  const response = await signer.sendTransaction({ to: FRIEND, value: 3 });
  expect(await response.wait()).toMatchObject({ status: 1, from: wallet.address });
});

test("messages and typed data", async () => {
  expect(v5.utils.verifyMessage("hello", await signer.signMessage("hello"))).toBe(wallet.address);
  const domain = { name: "Mail", version: "1", chainId: 31337, verifyingContract: FRIEND };
  const types = { Mail: [{ name: "to", type: "address" }] };
  const signature = await signer._signTypedData(domain, types, { to: FRIEND });
  expect(v5.utils.verifyTypedData(domain, types, { to: FRIEND }, signature)).toBe(wallet.address);
});

test("a contract: deployed, written, read, reverted", async () => {
  const { abi, bytecode } = await compile("token.sol", "Token");
  const contract = await new v5.ContractFactory(abi as never, bytecode, signer).deploy(1_000);
  await contract.deployed();
  await (await contract["transfer"](FRIEND, 10)).wait();
  expect((await contract["balanceOf"](FRIEND)).toNumber()).toBe(10);
  await expect(contract["transfer"](FRIEND, 10_000)).rejects.toMatchObject({ reason: expect.stringContaining("low") });
});
