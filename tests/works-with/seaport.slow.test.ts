import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Seaport } from "@opensea/seaport-js";
import { ItemType } from "@opensea/seaport-js/lib/constants.js";
import { Contract, parseEther } from "ethers";
import { type Fixture, otherWallet, startFixture, wallet } from "../eip1193/support.ts";
import { deploy } from "./deploy.ts";

const CONTRACTS = "@opensea/seaport-js/src/artifacts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.anvil.stop());

// `as never`: TypeScript finds ethers' types of CommonJS for the SDK and those of ES modules for us. Wallet has the same trouble.
test("an order for a token is signed, and fulfilled by its buyer", async () => {
  const signer = fixture.signer.connect(fixture.chain);
  const buyer = otherWallet.connect(fixture.chain);
  const conduits = await deploy(
    signer,
    `${CONTRACTS}/seaport/contracts/conduit/ConduitController.sol/LocalConduitController.json`,
  );
  const contractAddress = await deploy(signer, `${CONTRACTS}/seaport/contracts/Seaport.sol/Seaport.json`, conduits);
  const token = await deploy(signer, `${CONTRACTS}/src/contracts/test/TestERC721.sol/TestERC721.json`);
  const abi = ["function mint(address, uint256) returns (bool)", "function ownerOf(uint256) view returns (address)"];
  const tokens = new Contract(token, abi, signer);
  await (await tokens.getFunction("mint").send(wallet.address, 1n)).wait();

  const { executeAllActions } = await new Seaport(signer as never, { overrides: { contractAddress } }).createOrder({
    offer: [{ itemType: ItemType.ERC721, token, identifier: "1" }],
    consideration: [{ amount: `${parseEther("2")}`, recipient: wallet.address }],
  });
  const order = await executeAllActions();
  expect(order.parameters.offerer).toBe(wallet.address);

  const before = await fixture.chain.getBalance(wallet.address);
  const purchase = await new Seaport(buyer as never, { overrides: { contractAddress } }).fulfillOrder({ order });
  await (await purchase.executeAllActions()).wait();
  expect(await tokens.getFunction("ownerOf").staticCall(1n)).toBe(otherWallet.address);
  expect((await fixture.chain.getBalance(wallet.address)) - before).toBe(parseEther("2"));
});
