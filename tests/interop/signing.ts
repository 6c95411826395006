import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseEther, type Signer, Transaction, verifyAuthorization, verifyMessage, verifyTypedData } from "ethers";
import { type Anvil, startAnvil } from "../support/anvil.ts";

const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const FEES = { gasLimit: 100_000n, chainId: 31337n, nonce: 0, to: FRIEND, value: 1n };

/** What a signer over a key that no Wallet holds must do: everything it signs recovers to its own address. */
export function describeSigning(create: () => Promise<Signer>): void {
  describe("signing", () => {
    let signer: Signer;
    let address: string;

    beforeAll(async () => {
      signer = await create();
      address = await signer.getAddress();
    });

    test("messages", async () => {
      for (const message of ["", "hello", "0x1234", new Uint8Array([0, 255])]) {
        expect(verifyMessage(message, await signer.signMessage(message))).toBe(address);
      }
    });

    test("typed data", async () => {
      const types = { Mail: [{ name: "to", type: "address" }] };
      const signature = await signer.signTypedData({ chainId: 1 }, types, { to: FRIEND });
      expect(verifyTypedData({ chainId: 1 }, types, { to: FRIEND }, signature)).toBe(address);
    });

    test.each([0, 1, 2, 4])("transactions of type %d", async (type) => {
      const authorization = await signer.authorize({ address: FRIEND, chainId: 0, nonce: 0 });
      expect(verifyAuthorization(authorization, authorization.signature)).toBe(address);
      const request = { ...FEES, type, ...(type === 4 ? { authorizationList: [authorization] } : {}) };
      expect(Transaction.from(await signer.signTransaction(request)).from).toBe(address);
    });

    test("200 digests, 20 at once: high and low s, short r and s", async () => {
      for (let batch = 0; batch < 10; batch++) {
        const messages = Array.from({ length: 20 }, (_, index) => `message ${batch} ${index}`);
        const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
        signatures.forEach((signature, index) => {
          expect(verifyMessage(messages[index] ?? "", signature)).toBe(address);
        });
      }
    });

    describe("on a chain", () => {
      let anvil: Anvil;

      beforeAll(async () => {
        anvil = await startAnvil();
        await anvil.fund(address, parseEther("1"));
      });

      afterAll(async () => {
        await anvil.stop();
      });

      test.each([0, 1, 2])("type %d is mined as the account's", async (type) => {
        const sent = await signer.connect(anvil.provider()).sendTransaction({ type, to: FRIEND, value: 1n });
        expect(await sent.wait()).toMatchObject({ status: 1, from: address });
      });
    });
  });
}
