import { expect } from "@jest/globals";
import { createWalletClient, custom } from "viem";
import { mainnet } from "viem/chains";
import { createProvider } from "../../src/eip1193/index.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { toViemAccount } from "../../src/viem/index.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { allShown } from "./shown.ts";

const NO_CHAIN = { request: () => Promise.reject(new Error("no chain")) };

/**
 * What each door of the signer gives, or fails with: the signer itself, EIP-1193's provider, viem's account over it and viem's
 * client over that; and Node's diagnostic report at the end.
 */
export async function everyOutcome(signer: RemoteSigner): Promise<unknown[]> {
  const provider = createProvider({ accounts: [signer], provider: NO_CHAIN });
  const doors = [
    () => signer.getAddress(),
    () => signer.signMessage("a message"),
    () => provider.request({ method: "eth_accounts" }),
    async () => {
      const accounts = (await provider.request({ method: "eth_accounts" })) as string[];
      return provider.request({ method: "personal_sign", params: ["0x00", accounts[0]] });
    },
    async () => (await toViemAccount(signer)).signMessage({ message: "a message" }),
    async () => {
      const account = await toViemAccount(signer);
      const client = createWalletClient({ account, chain: mainnet, transport: custom(NO_CHAIN) });
      const fees = { gas: 21_000n, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, nonce: 0 };
      return client.signTransaction({ ...fees, type: "eip1559", to: account.address, value: 1n });
    },
  ];
  const outcomes: unknown[] = [signer, provider];
  for (const door of doors) outcomes.push(await door().catch((error: unknown) => error));
  return [...outcomes, process.report.getReport()];
}

/** None of the secrets is in any of the values. */
export function expectNoLeak(values: readonly unknown[], secrets: readonly Planted[]): void {
  for (const value of values) expect(leaksIn(allShown(value), secrets)).toEqual([]);
}
