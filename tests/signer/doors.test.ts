import { describe, expect, test } from "@jest/globals";
import { hashMessage, id, type Signer, toUtf8Bytes, Wallet } from "ethers";
import type { Hex } from "viem";
import { AccountDirectory } from "../../src/accounts/account-directory.ts";
import { createProvider } from "../../src/eip1193/index.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import type { SigningPolicy } from "../../src/signer/signing-policy.ts";
import { toViemAccount } from "../../src/viem/index.ts";
import { FakeNode } from "../eip1193/fake-node.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { MemoryStore } from "../support/memory-store.ts";

const KEY = id("behind every door");
const { address } = new Wallet(KEY);
const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const DOMAIN = { name: "Shop", chainId: 1, verifyingContract: FRIEND } as const;
const TYPES = { Order: [{ name: "item", type: "Item" }], Item: [{ name: "price", type: "uint256" }] };
const DOMAIN_TYPES = { name: "string", chainId: "uint256", verifyingContract: "address" } as const;
const VALUE = { item: { price: 2n ** 64n } };
const TRANSACTION = { to: FRIEND, value: 5n, chainId: 1, nonce: 0, gasLimit: 21_000n, maxFeePerGas: 9n } as const;

type Actions = Readonly<Record<SignRequest["kind"], () => Promise<unknown>>>;

function asSigner(signer: RemoteSigner): Actions {
  return {
    transaction: () => signer.signTransaction(TRANSACTION),
    message: () => signer.signMessage("hello"),
    "typed-data": () => signer.signTypedData(DOMAIN, TYPES, VALUE),
    authorization: () => signer.authorize({ address: FRIEND, nonce: 1, chainId: 1 }),
    digest: () => signer.signDigest(id("digest")),
  };
}

async function asProvider(account: Signer): Promise<Partial<Actions>> {
  const provider = createProvider({ accounts: [account], provider: new FakeNode() });
  const request = (method: string, ...params: unknown[]) => provider.request({ method, params });
  const { to, value } = TRANSACTION;
  const typedData = {
    domain: DOMAIN,
    primaryType: "Order",
    types: {
      ...TYPES,
      EIP712Domain: [
        { name: "name", type: "string" },
        { name: "chainId", type: "uint256" },
        { name: "verifyingContract", type: "address" },
      ],
    },
    message: { item: { price: `${2n ** 64n}` } },
  };
  return {
    transaction: () => request("eth_sendTransaction", { from: address, to, value: `0x${value.toString(16)}` }),
    message: () => request("personal_sign", "hello", address),
    "typed-data": () => request("eth_signTypedData_v4", address, JSON.stringify(typedData)),
  };
}

async function asViem(signer: RemoteSigner): Promise<Actions> {
  const account = await toViemAccount(signer);
  // Types that the primary type does not refer to, and a declared domain, change nothing of the digest.
  const domainType = Object.keys(DOMAIN).map((name) => ({ name, type: DOMAIN_TYPES[name as keyof typeof DOMAIN] }));
  const types: Record<string, { name: string; type: string }[]> = {
    ...{ ...TYPES, Unused: [{ name: "x", type: "Order" }], EIP712Domain: domainType },
  };
  return {
    transaction: () =>
      account.signTransaction({ to: FRIEND, value: 5n, chainId: 1, nonce: 0, gas: 21_000n, maxFeePerGas: 9n }),
    message: () => account.signMessage({ message: "hello" }),
    "typed-data": () => account.signTypedData({ domain: DOMAIN, types, primaryType: "Order", message: VALUE }),
    authorization: () => account.signAuthorization({ address: FRIEND, nonce: 1, chainId: 1 }),
    digest: () => account.sign({ hash: id("digest") as Hex }),
  };
}

/** The same account behind each of them, with the policy where its options are. */
const doors: Readonly<Record<string, (policy: SigningPolicy, key: MemoryKey) => Promise<Partial<Actions>>>> = {
  RemoteSigner: async (policy, key) => asSigner(new RemoteSigner(key, null, { policy })),
  "a connected RemoteSigner": async (policy, key) => asSigner(new RemoteSigner(key, null, { policy }).connect(null)),
  FailoverKey: async (policy, key) =>
    asSigner(new RemoteSigner(new FailoverKey([key], { expectedAddress: address, policy }))),
  AccountDirectory: async (policy, key) => {
    const store = new MemoryStore();
    store.put(KEY);
    const directory = new AccountDirectory({ stores: [store], policy });
    const signer = await directory.getSigner(address);
    // The store has a key of its own: the test's key then signs nothing, as it should where all is denied.
    expect(key.signatures).toBe(0);
    return asSigner(signer);
  },
  "createProvider of eip1193": async (policy, key) => asProvider(new RemoteSigner(key, null, { policy })),
  toViemAccount: async (policy, key) => asViem(new RemoteSigner(key, null, { policy })),
};

const EXPECTED: Readonly<Record<SignRequest["kind"], object>> = {
  transaction: { to: FRIEND, value: 5n, chainId: 1n, account: address },
  message: { text: "hello", digest: hashMessage("hello") },
  "typed-data": {
    primaryType: "Order",
    encodedType: "Order(Item item)Item(uint256 price)",
    value: VALUE,
    domain: { chainId: 1n, verifyingContract: FRIEND },
  },
  authorization: { delegate: FRIEND, chainId: 1n, nonce: 1n },
  digest: { digest: id("digest"), problem: null },
};

describe.each(Object.entries(doors))("%s", (_, open) => {
  test("what is allowed was decided, and seen as what it is", async () => {
    const requests: SignRequest[] = [];
    const policy: SigningPolicy = {
      id: "allows",
      decide: async (request) => {
        requests.push(request);
        return { outcome: "allow", rule: null, reasons: [], approvals: [], holds: [], settle: async () => {} };
      },
    };
    const actions = Object.entries(await open(policy, new MemoryKey(KEY)));
    for (const [kind, act] of actions) {
      await act();
      expect(requests.pop()).toMatchObject({ kind, ...EXPECTED[kind as SignRequest["kind"]] });
    }
    expect([requests.length, actions.length >= 3]).toEqual([0, true]);
  });

  test("what is denied is not signed", async () => {
    const policy: SigningPolicy = { id: "denies", decide: () => Promise.reject(new Error("no")) };
    const key = new MemoryKey(KEY);
    for (const act of Object.values(await open(policy, key))) {
      const error = await act().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      // 4001 of EIP-1193: the user rejected the request.
      expect([error]).toEqual([
        expect.objectContaining({ code: error instanceof Error && "data" in error ? 4001 : "POLICY_DENIED" }),
      ]);
    }
    expect(key.signatures).toBe(0);
  });
});

test("viem's strings that look like hex are text, and raw messages bytes", async () => {
  const requests: SignRequest[] = [];
  const policy: SigningPolicy = {
    id: "allows",
    decide: async (request) => {
      requests.push(request);
      return { outcome: "allow", rule: null, reasons: [], approvals: [], holds: [], settle: async () => {} };
    },
  };
  const account = await toViemAccount(new RemoteSigner(new MemoryKey(KEY), null, { policy }));
  await account.signMessage({ message: "0x1234" });
  await account.signMessage({ message: { raw: "0x1234" } });
  await account.signMessage({ message: { raw: toUtf8Bytes("0x1234") } });
  expect(requests).toMatchObject([{ text: "0x1234" }, { message: "0x1234" }, { text: "0x1234" }]);
});
