import { expect, test } from "@jest/globals";
import { SignerError } from "../../../src/core/errors.ts";
import { memoryNonceStore } from "../../../src/nonces/memory-store.ts";
import { withNonces } from "../../../src/nonces/nonce-signer.ts";
import { allow, definePolicy, type LimitStore, limit } from "../../../src/policy/index.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { FakeChain } from "../../nonces/support/fake-chain.ts";
import { FRIEND, failureOf, payment, SECRET, separate } from "../../nonces/support/world.ts";
import { MemoryKey } from "../../support/memory-key.ts";

let names = 0;

/** A payment that is signed more than once counts once against a limit in the store. */
export function signedAgainTests(open: () => LimitStore): void {
  /** A signer whose payments may be 10 wei in all, and what counts. */
  function world() {
    const name = `again ${++names}`;
    const store = open();
    const amount = ({ value = 0n }: { readonly value?: unknown }) => value as bigint;
    const asset = { name: "value", version: 1, amount: amount as () => bigint };
    const rules = [allow("all"), limit("wei", { asset, amount: 10n, window: 3_600_000, store })];
    const policy = definePolicy({ name, version: 1, rules });
    const key = new MemoryKey(SECRET);
    const [chain, nonces] = [new FakeChain(), memoryNonceStore()];
    const node = chain.node();
    const connect = (options = {}) => new RemoteSigner(key, node.provider(), options);
    const signer = connect({ policy });
    const sign = (wei: bigint, nonce: number, fee = 1n) =>
      signer.signTransaction({ to: FRIEND, value: wei, nonce, chainId: 99, gasLimit: 21_000, maxFeePerGas: fee });
    const amounts = async () =>
      (await store.read(JSON.stringify([name, "wei", "value@1"]))).entries.map(({ amount }) => amount);
    const [sender, other] = [signer, connect()].map((each) => withNonces(each, separate(nonces), { timeout: 2_000 }));
    return { key, sign, amounts, sender: sender as typeof sender & object, other: other as typeof other & object };
  }

  test("with the same nonce the highest counts: a replacement, a retry after a lost response", async () => {
    const { key, sign } = world();
    await sign(6n, 7);
    await sign(6n, 7, 2n);
    const honest = key.signDigest.bind(key);
    key.signDigest = () => Promise.reject(new SignerError("BACKEND_TIMEOUT", "the response was lost"));
    await failureOf(sign(9n, 7));
    key.signDigest = honest;
    await sign(9n, 7);
    expect((await failureOf(sign(2n, 8))).code).toBe("LIMIT_EXCEEDED");
    await sign(1n, 8);
  });

  test("a send that lost its nonce and is signed for the next one counts once", async () => {
    const { key, amounts, sender, other } = world();
    const sign = key.signDigest.bind(key);
    key.signDigest = async (...parameters) => {
      key.signDigest = sign;
      await other.sendTransaction(payment(3));
      return sign(...parameters);
    };
    expect((await sender.sendTransaction(payment(10))).nonce).toBe(1);
    expect(await amounts()).toEqual([10n]);
    expect((await failureOf(sender.sendTransaction(payment(1)))).code).toBe("LIMIT_EXCEEDED");
  });

  test("a send that was committed counts until its window ends, whatever the node says", async () => {
    const { sender, amounts, sign } = world();
    await sender.sendTransaction(payment(8));
    expect(await amounts()).toEqual([8n]);
    expect((await failureOf(sign(3n, 1))).code).toBe("LIMIT_EXCEEDED");
  });
}
