import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  BrowserProvider,
  type Contract,
  ContractFactory,
  id,
  parseEther,
  type Signer,
  Transaction,
  TypedDataEncoder,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import { createProvider } from "../../../src/eip1193/index.ts";
import { Pkcs11Signer } from "../../../src/pkcs11/index.ts";
import { compile } from "../../support/contracts/compile.ts";
import { createToken } from "../../support/softhsm-env.ts";
import { ADDRESS, type Fixture, FRIEND, OTHER_ADDRESS, otherWallet, startFixture, wallet } from "../support.ts";

const token = createToken("eip1193");
const HSM_KEY = id("a key of the EIP-1193 tests in a token");
const hsm = new Pkcs11Signer({
  libraryPath: token.libraryPath,
  pin: token.pin,
  tokenLabel: token.label,
  keyLabel: "hot",
});

let fixture: Fixture;

beforeAll(async () => {
  token.importKey(HSM_KEY, { label: "hot", id: "0x01" });
  fixture = await startFixture();
  await fixture.anvil.fund(await hsm.getAddress(), parseEther("10"));
});

afterAll(async () => {
  await hsm.close();
  await fixture.anvil.stop();
});

describe.each<[string, () => Promise<Signer>]>([
  ["a remote key", async () => hsmOrMemory(0)],
  ["a key in SoftHSM2", async () => hsmOrMemory(1)],
])("ethers' BrowserProvider over %s", (_name, signerOf) => {
  let browser: BrowserProvider;
  let signer: Signer;
  let address: string;

  beforeAll(async () => {
    const remote = await signerOf();
    address = await remote.getAddress();
    const provider = createProvider({ accounts: [remote], provider: fixture.chain });
    browser = new BrowserProvider(provider, undefined, { pollingInterval: 20, cacheTimeout: -1 });
    signer = await browser.getSigner();
  });

  afterAll(() => browser.destroy());

  test("getSigner is the first account", async () => {
    expect(await signer.getAddress()).toBe(address);
    expect(await browser.listAccounts()).toHaveLength(1);
  });

  test("sendTransaction", async () => {
    const before = await fixture.chain.getBalance(FRIEND);
    const response = await signer.sendTransaction({ to: FRIEND, value: 7n });
    expect(await response.wait()).toMatchObject({ status: 1, from: address });
    expect(await fixture.chain.getBalance(FRIEND)).toBe(before + 7n);
  });

  test("signTransaction gives what broadcastTransaction takes", async () => {
    const nonce = await fixture.chain.getTransactionCount(address);
    const raw = await signer.signTransaction({ to: FRIEND, value: 1n });
    expect(Transaction.from(raw)).toMatchObject({ from: address, value: 1n, nonce });
    expect(await (await browser.broadcastTransaction(raw)).wait()).toMatchObject({ status: 1, from: address });
  });

  test("signMessage, text and bytes", async () => {
    for (const message of ["hello", "0x1234", Uint8Array.of(0, 255)]) {
      expect(verifyMessage(message, await signer.signMessage(message))).toBe(address);
    }
  });

  test("signTypedData", async () => {
    const domain = { name: "Mail", version: "1", chainId: fixture.anvil.chainId, verifyingContract: FRIEND };
    const types = {
      Mail: [
        { name: "from", type: "Person" },
        { name: "amounts", type: "uint256[]" },
      ],
      Person: [{ name: "wallet", type: "address" }],
    };
    const value = { from: { wallet: FRIEND }, amounts: [1n, 2n ** 255n] };
    const signature = await signer.signTypedData(domain, types, value);
    expect(verifyTypedData(domain, types, value, signature)).toBe(address);
    expect(TypedDataEncoder.from(types).primaryType).toBe("Mail");
  });

  test("a contract: deployed, written, read, reverted", async () => {
    const { abi, bytecode } = await compile("token.sol", "Token");
    const deployed = await new ContractFactory(abi, bytecode, signer).deploy(1_000n);
    const contract = (await deployed.waitForDeployment()) as Contract;
    const transfer = await contract.getFunction("transfer").send(FRIEND, 10n);
    expect(await transfer.wait()).toMatchObject({ status: 1 });
    expect(await contract.getFunction("balanceOf").staticCall(FRIEND)).toBe(10n);
    await expect(contract.getFunction("transfer").send(FRIEND, 10_000n)).rejects.toMatchObject({
      code: "CALL_EXCEPTION",
      reason: "balance too low",
    });
  });
});

test("several accounts: each is its own signer, and no other address is one", async () => {
  const browser = new BrowserProvider(fixture.provider, undefined, { pollingInterval: 20 });
  expect((await browser.listAccounts()).map((each) => each.address)).toEqual([wallet.address, otherWallet.address]);
  expect(await browser.hasSigner(ADDRESS)).toBe(true);
  expect(await browser.hasSigner(FRIEND)).toBe(false);
  const other = await browser.getSigner(OTHER_ADDRESS);
  const receipt = await (await other.sendTransaction({ to: FRIEND, value: 1n })).wait();
  expect(receipt?.from).toBe(otherWallet.address);
  browser.destroy();
});

function hsmOrMemory(index: number): Signer {
  return index === 0 ? fixture.signer : hsm;
}
