import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, parseEther } from "ethers";
import {
  type Abi,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  type PublicClient,
  type SendTransactionParameters,
  type TransactionReceipt,
  type WalletClient,
} from "viem";
import { nonceManager } from "viem/accounts";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type RemoteViemAccount, toViemAccount } from "../../src/viem/index.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { compile } from "../support/contracts/compile.ts";
import { cellProofSidecar, constantBlob, versionedHash } from "../support/kzg.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { createToken } from "../support/softhsm-env.ts";
import { kzg, serializeWithCellProofs, toViemSidecar } from "./blobs.ts";
import { FRIEND, hex } from "./pair.ts";

const BLOB_FEE = 10n ** 10n;
const TIMEOUT = 60_000;

let anvil: Anvil;
beforeAll(async () => {
  anvil = await startAnvil();
}, TIMEOUT);
afterAll(async () => {
  await anvil.stop();
});

function softHsmSigner(): RemoteSigner {
  const token = createToken("viem");
  token.importKey(id("viem on a token"), { label: "viem" });
  const { libraryPath, label: tokenLabel, pin } = token;
  return new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "viem" });
}

describe.each<[string, () => RemoteSigner]>([
  ["RemoteSigner over a key in memory", () => new RemoteSigner(new MemoryKey(id("viem on the chain")))],
  ["Pkcs11Signer over SoftHSM2", softHsmSigner],
])("viem's wallet client with %s", (_name, createSigner) => {
  let signer: RemoteSigner;
  let account: RemoteViemAccount;
  let chain: Chain;
  let reader: PublicClient;
  let client: WalletClient;

  beforeAll(async () => {
    signer = createSigner();
    account = await toViemAccount(signer, { nonceManager });
    await anvil.fund(account.address, parseEther("1000"));
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    const rpcUrls = { default: { http: [anvil.url] } };
    chain = defineChain({ id: Number(anvil.chainId), name: "Anvil", nativeCurrency, rpcUrls });
    // The node loads KZG's trusted setup for its first proof, which takes some seconds.
    const transport = http(anvil.url, { timeout: TIMEOUT });
    reader = createPublicClient({ chain, transport, pollingInterval: 20 });
    client = createWalletClient({ account, chain, transport });
  });
  afterAll(async () => {
    await signer.close();
  });

  async function mined(hash: Hex): Promise<TransactionReceipt> {
    const receipt = await reader.waitForTransactionReceipt({ hash });
    expect(receipt).toMatchObject({ status: "success", from: account.address.toLowerCase() });
    return receipt;
  }
  const send = async (request: object, on: Chain = chain): Promise<TransactionReceipt> => {
    const parameters = { account, chain: on, ...request };
    return mined(await client.sendTransaction(parameters as unknown as SendTransactionParameters));
  };

  test.each(["legacy", "eip2930", "eip1559"])("%s", async (type) => {
    const before = await reader.getBalance({ address: FRIEND });
    expect(await send({ type, to: FRIEND, value: 5n })).toMatchObject({ type });
    expect(await reader.getBalance({ address: FRIEND })).toBe(before + 5n);
  });

  test(
    "eip4844 with blobs and KZG",
    async () => {
      const blobs = [hex(constantBlob(2n))];
      const receipt = await send({ to: FRIEND, blobs, kzg, maxFeePerBlobGas: BLOB_FEE });
      expect(receipt).toMatchObject({ type: "eip4844", blobGasUsed: 131_072n });
    },
    TIMEOUT,
  );

  test(
    "eip4844 with cell proofs, by a serializer of the chain",
    async () => {
      const sidecar = cellProofSidecar(3n);
      const blobVersionedHashes = [hex(versionedHash(sidecar.commitment))];
      const sidecars = [toViemSidecar(sidecar)];
      const blob = { type: "eip4844", to: FRIEND, blobVersionedHashes, sidecars, maxFeePerBlobGas: BLOB_FEE };
      const withCellProofs = { ...chain, serializers: { transaction: serializeWithCellProofs } } as Chain;
      expect(await send(blob, withCellProofs)).toMatchObject({ type: "eip4844", blobGasUsed: 131_072n });
    },
    TIMEOUT,
  );

  test("eip7702: the account takes on a contract's code, and gives it up again", async () => {
    const delegate = async (contractAddress: Hex) => {
      const authorization = await client.signAuthorization({ account, contractAddress, executor: "self" });
      return send({ to: account.address, authorizationList: [authorization] });
    };
    expect(await delegate(FRIEND)).toMatchObject({ type: "eip7702" });
    expect(await reader.getCode({ address: account.address })).toBe(`0xef0100${FRIEND.slice(2).toLowerCase()}`);
    await delegate(`0x${"00".repeat(20)}`);
    expect(await reader.getCode({ address: account.address })).toBeUndefined();
  });

  test("signTransaction, then broadcast", async () => {
    const request = await client.prepareTransactionRequest({ account, chain, to: FRIEND, value: 1n });
    const serializedTransaction = await client.signTransaction({ ...request, account, chain });
    await mined(await reader.sendRawTransaction({ serializedTransaction }));
  });

  test("signMessage and verifyMessage", async () => {
    for (const message of ["hello", { raw: "0x1234" } as const]) {
      const signature = await client.signMessage({ account, message });
      const { address } = account;
      expect(await reader.verifyMessage({ address, message, signature })).toBe(true);
      expect(await reader.verifyMessage({ address: FRIEND, message, signature })).toBe(false);
    }
  });

  test("signTypedData and verifyTypedData", async () => {
    const typedData = {
      domain: { name: "House", chainId: chain.id, verifyingContract: FRIEND },
      types: { Order: [{ name: "amount", type: "uint256" }] },
      primaryType: "Order",
      message: { amount: 5n },
    } as const;
    const signature = await client.signTypedData({ account, ...typedData });
    expect(await reader.verifyTypedData({ ...typedData, address: account.address, signature })).toBe(true);
  });

  test("deployContract, writeContract and readContract", async () => {
    const { abi: untyped, bytecode } = await compile("token.sol", "Token");
    const abi = untyped as Abi;
    const deployed = await client.deployContract({ account, chain, abi, bytecode: hex(bytecode), args: [100n] });
    const { contractAddress: address } = await mined(deployed);
    if (!address) throw new Error("no contract was made");
    const call = { account, chain, abi, address, functionName: "transfer" } as const;
    await mined(await client.writeContract({ ...call, args: [FRIEND, 30n] }));
    const balance = { abi, address, functionName: "balanceOf" } as const;
    expect(await reader.readContract({ ...balance, args: [FRIEND] })).toBe(30n);
    expect(await reader.readContract({ ...balance, args: [account.address] })).toBe(70n);
    const tooMuch = client.writeContract({ ...call, args: [FRIEND, 71n] });
    await expect(tooMuch).rejects.toMatchObject({ name: "ContractFunctionExecutionError" });
  });

  test("a nonce manager gives parallel transactions consecutive nonces", async () => {
    const first = await reader.getTransactionCount({ address: account.address });
    const receipts = await Promise.all(
      Array.from({ length: 8 }, (_, value) => send({ to: FRIEND, value: BigInt(value) })),
    );
    const sent = await Promise.all(receipts.map(({ transactionHash: hash }) => reader.getTransaction({ hash })));
    const nonces = sent.map(({ nonce }) => nonce).sort((a, b) => a - b);
    expect(nonces).toEqual(Array.from({ length: 8 }, (_, index) => first + index));
  });
});
