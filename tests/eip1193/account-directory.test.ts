import { expect, test } from "@jest/globals";
import { verifyMessage } from "ethers";
import { AccountDirectory } from "../../src/accounts/account-directory.ts";
import { createProvider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { ADDRESS, FRIEND, failureOf, KEY, OTHER_ADDRESS, OTHER_KEY, otherWallet } from "./support.ts";

test("an AccountDirectory's accounts are the provider's", async () => {
  const signers = [KEY, OTHER_KEY].map((key) => new RemoteSigner(new MemoryKey(key)));
  const accounts = new AccountDirectory({ signers });
  const provider = createProvider({ accounts, provider: { request: async () => null } });
  expect(await provider.request({ method: "eth_accounts" })).toEqual([ADDRESS, OTHER_ADDRESS]);
  const sign = (address: string) => provider.request({ method: "personal_sign", params: ["text", address] });
  expect(verifyMessage("text", String(await sign(OTHER_ADDRESS)))).toBe(otherWallet.address);
  expect(await failureOf(sign(FRIEND))).toMatchObject({ code: 4100 });
});
