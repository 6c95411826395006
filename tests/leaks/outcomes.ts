import { expect } from "@jest/globals";
import { createProvider } from "../../src/eip1193/index.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { toViemAccount } from "../../src/viem/index.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { allShown } from "./shown.ts";

const NO_CHAIN = { request: () => Promise.reject(new Error("no chain")) };

/** What each door of the signer gives, or fails with: the signer itself, EIP-1193's provider and viem's account over it. */
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
  ];
  const outcomes: unknown[] = [signer, provider];
  for (const door of doors) outcomes.push(await door().catch((error: unknown) => error));
  return outcomes;
}

/** None of the secrets is in any of the values. */
export function expectNoLeak(values: readonly unknown[], secrets: readonly Planted[]): void {
  for (const value of values) expect(leaksIn(allShown(value), secrets)).toEqual([]);
}
