import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { concat, hexlify, id, parseEther, parseUnits, toUtf8Bytes, Wallet } from "ethers";
import { loadKZG } from "kzg-wasm";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { blobSidecar, cellProofSidecar, constantBlob } from "../support/kzg.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { expectSameTransaction } from "./compare.ts";

const PRIVATE_KEY = id("kzg");
const REQUEST = { type: 3, to: Wallet.createRandom().address, chainId: 31337, maxFeePerBlobGas: 1 };

// Apart from the suite: the library takes 15 seconds to load, whatever it is asked afterwards.
describe("a full KZG library", () => {
  let kzg: Awaited<ReturnType<typeof loadKZG>>;
  let anvil: Anvil;
  beforeAll(async () => {
    anvil = await startAnvil();
    kzg = await loadKZG();
  });
  afterAll(async () => {
    await anvil.stop();
  });

  test("agrees with the suite's commitments and proofs of constant blobs", () => {
    for (const element of [0n, 12345n]) {
      const blob = constantBlob(element);
      const { commitment, proof } = blobSidecar(element);
      expect(hexlify(kzg.blobToKZGCommitment(blob))).toBe(commitment);
      expect(hexlify(kzg.computeBlobKZGProof(blob, commitment))).toBe(proof);
      expect(concat(kzg.computeCellsAndKZGProofs(blob).proofs)).toBe(cellProofSidecar(element).proof);
    }
  });

  test("goes into a request as it is, with blobs of any content", async () => {
    const pair = { signer: new RemoteSigner(new MemoryKey(PRIVATE_KEY)), wallet: new Wallet(PRIVATE_KEY) };
    const blobs = [toUtf8Bytes("\0a blob of text")];
    const signed = await expectSameTransaction(pair, { ...REQUEST, kzg, blobs });
    for (const { data, commitment, proof } of signed.blobs ?? []) {
      expect(kzg.verifyBlobKZGProof(data, commitment, String(proof))).toBe(true);
    }
    expect(signed.blobVersionedHashes).toHaveLength(1);
  });

  test("a node accepts what the signer makes of it", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), anvil.provider());
    await anvil.fund(await signer.getAddress(), parseEther("1"));
    const blobs = [toUtf8Bytes("\0a blob of text")];
    const request = { ...REQUEST, maxFeePerBlobGas: parseUnits("10", "gwei"), kzg, blobs };
    const receipt = await (await signer.sendTransaction(request)).wait();
    expect(receipt).toMatchObject({ status: 1, type: 3, from: await signer.getAddress(), blobGasUsed: 131_072n });
  });
});
