// Publishes data in a blob transaction (EIP-4844, type 3), and reads it back. It exits with 1 if the chain says
// anything else.
//
//   npx tsx examples/blob-transaction/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { hexlify, parseEther, toUtf8Bytes } from "ethers";
import { loadKZG } from "kzg-wasm";
import { expectEqual } from "../demo/report.ts";
import { onStage } from "../support/stage.ts";
import { decodeBlob } from "./blob.ts";
import { publish } from "./publish.ts";

const GAS_PER_BLOB = 131_072n;
const DATA = toUtf8Bytes(JSON.stringify({ batch: 7, payments: Array.from({ length: 500 }, (_, index) => index) }));

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.02"));
  const { provider } = chain;
  const kzg = await loadKZG();
  report.step("KZG's setup", "loaded, once in a process");

  const { receipt, blobHash } = await publish(signer, provider, kzg, address, DATA);
  expectEqual("the receipt's status", receipt.status, 1);
  expectEqual("the receipt's type", receipt.type, 3);
  expectEqual("the receipt's sender", receipt.from, address);
  expectEqual("the gas for blobs", receipt.blobGasUsed, GAS_PER_BLOB);
  report.step("published", `${DATA.length} bytes, ${receipt.hash}`);

  const mined = await provider.getTransaction(receipt.hash);
  expectEqual("the transaction's blob", mined?.blobVersionedHashes?.join(), blobHash);
  report.step("blob", blobHash);
  if (chain.isLocal) {
    // anvil keeps blobs; of other networks they are asked of a consensus node: GET /eth/v1/beacon/blobs/SLOT.
    const blob = await provider.send("anvil_getBlobByHash", [blobHash]);
    expectEqual("what the blob holds", hexlify(decodeBlob(blob)), hexlify(DATA));
    report.step("read back", "the same");
  }
});
