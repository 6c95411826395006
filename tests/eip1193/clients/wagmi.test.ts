import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  type Config,
  connect,
  createConfig,
  getAccount,
  injected,
  sendTransaction,
  signTypedData,
  switchChain,
  waitForTransactionReceipt,
} from "@wagmi/core";
import { custom } from "viem";
import { anvil, mainnet } from "viem/chains";
import { type Fixture, FRIEND, otherWallet, startFixture, wallet } from "../support.ts";

let fixture: Fixture;
let config: Config;

beforeAll(async () => {
  fixture = await startFixture();
  const transport = custom(fixture.provider);
  const provider = fixture.provider as never;
  config = createConfig({
    chains: [anvil, mainnet],
    connectors: [injected({ target: { id: "hsm", name: "HSM", provider } })],
    transports: { [anvil.id]: transport, [mainnet.id]: transport },
    pollingInterval: 20,
    storage: null,
  }) as Config;
  // wagmi asks for its provider in browsers only.
  Object.assign(globalThis, { window: {} });
  const [connector] = config.connectors;
  if (!connector) throw new Error("no connector");
  await connect(config, { connector });
});

afterAll(async () => {
  Reflect.deleteProperty(globalThis, "window");
  await fixture.anvil.stop();
});

test("the accounts are the provider's", () => {
  expect(getAccount(config)).toMatchObject({
    status: "connected",
    chainId: 31337,
    addresses: [wallet.address, otherWallet.address],
  });
});

test("switchChain to this chain; another one is unknown", async () => {
  expect(await switchChain(config, { chainId: anvil.id })).toMatchObject({ id: 31337 });
  await expect(switchChain(config, { chainId: mainnet.id })).rejects.toThrow(/chain 31337 only/);
  expect(getAccount(config).chainId).toBe(31337);
});

test("transactions and typed data", async () => {
  const hash = await sendTransaction(config, { to: FRIEND as `0x${string}`, value: 1n });
  expect(await waitForTransactionReceipt(config, { hash })).toMatchObject({ status: "success" });
  const signature = await signTypedData(config, {
    domain: { name: "Mail", chainId: 31337 },
    types: { Mail: [{ name: "to", type: "address" }] },
    primaryType: "Mail",
    message: { to: FRIEND as `0x${string}` },
  });
  expect(signature).toHaveLength(132);
});
