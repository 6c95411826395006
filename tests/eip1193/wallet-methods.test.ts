import { beforeEach, describe, expect, test } from "@jest/globals";
import { BrowserProvider, Network } from "ethers";
import { createProvider, type Eip1193Provider } from "../../src/eip1193/index.ts";
import { FakeNode } from "./fake-node.ts";
import { ADDRESS, FRIEND, failureOf, OTHER_ADDRESS, otherWallet, wallet } from "./support.ts";

let node: FakeNode;
let provider: Eip1193Provider;

beforeEach(() => {
  node = new FakeNode();
  provider = createProvider({ accounts: [wallet, otherWallet], provider: node });
});

const ask = (method: string, ...params: unknown[]) => provider.request({ method, params });
const none = () => createProvider({ accounts: [], provider: node });

const EIP712Domain = [{ name: "chainId", type: "uint256" }];
const types = { Note: [{ name: "text", type: "string" }] };
const note = {
  types: { EIP712Domain, ...types },
  primaryType: "Note",
  domain: { chainId: 1 },
  message: { text: "hi" },
};

describe("the chain", () => {
  test.each(["wallet_switchEthereumChain", "wallet_addEthereumChain"])("%s", async (method) => {
    expect(await ask(method, { chainId: "0x1", chainName: "one", rpcUrls: [] })).toBeNull();
    const failure = await failureOf(ask(method, { chainId: "0x2" }));
    expect(failure).toMatchObject({ code: 4902, message: expect.stringMatching(/over a node of chain 2/) });
    expect(await failureOf(ask(method))).toMatchObject({ code: -32602 });
    expect(node.methods).not.toContain(method);
  });
});

describe("permissions", () => {
  const granted = [
    {
      parentCapability: "eth_accounts",
      invoker: "localhost",
      caveats: [{ type: "restrictReturnedAccounts", value: [ADDRESS, OTHER_ADDRESS] }],
    },
  ];

  test("are the accounts", async () => {
    expect(await ask("wallet_getPermissions")).toEqual(granted);
    expect(await ask("wallet_requestPermissions", { eth_accounts: {} })).toEqual(granted);
    expect(node.asked).toEqual([]);
  });

  test("others do not exist", async () => {
    expect(await failureOf(ask("wallet_requestPermissions", { snap: {} }))).toMatchObject({ code: -32602 });
  });

  test("without accounts there are none", async () => {
    expect(await none().request({ method: "wallet_getPermissions" })).toEqual([]);
    const params = [{ eth_accounts: {} }];
    expect(await failureOf(none().request({ method: "wallet_requestPermissions", params }))).toMatchObject({
      code: 4100,
    });
  });
});

describe("eth_coinbase", () => {
  test("is the first account", async () => expect(await ask("eth_coinbase")).toBe(ADDRESS));
  test("is 4100 without one", async () => {
    expect(await failureOf(none().request({ method: "eth_coinbase" }))).toMatchObject({ code: 4100 });
  });
});

describe("typed data by its other names", () => {
  test.each(["eth_signTypedData", "eth_signTypedData_v3"])("%s is eth_signTypedData_v4", async (method) => {
    const signature = await wallet.signTypedData(note.domain, types, note.message);
    expect(await ask(method, ADDRESS, note)).toBe(signature);
    expect(await ask(method, ADDRESS, JSON.stringify(note))).toBe(signature);
  });

  test("version 1 is refused with a hint", async () => {
    const failure = await failureOf(ask("eth_signTypedData", [{ type: "string", name: "text", value: "hi" }], ADDRESS));
    expect(failure).toMatchObject({ code: 4200, message: expect.stringMatching(/eth_signTypedData_v4/) });
  });
});

describe("no password and no private key reaches the node", () => {
  test("personal_unlockAccount: the accounts are never locked", async () => {
    expect(await ask("personal_unlockAccount", wallet.address, "s3cr3t", 60)).toBe(true);
    expect(await failureOf(ask("personal_unlockAccount", FRIEND, "s3cr3t"))).toMatchObject({ code: 4100 });
    expect(node.asked).toEqual([]);
  });

  test.each(["personal_sendTransaction", "personal_importRawKey", "personal_newAccount", "personal_anything"])(
    "%s is refused",
    async (method) => {
      expect(await failureOf(ask(method, "s3cr3t"))).toMatchObject({ code: 4200 });
      expect(node.asked).toEqual([]);
    },
  );
});

test("typed data for another chain: ethers' error has the hint", async () => {
  const network = Network.from(1);
  const browser = new BrowserProvider(provider, network, { staticNetwork: network });
  const signer = await browser.getSigner();
  const failure = await failureOf(signer.signTypedData({ chainId: 1337 }, types, note.message));
  expect(failure.message).toMatch(/name its chain in the option typedDataChainIds of createProvider/);
  browser.destroy();
});
