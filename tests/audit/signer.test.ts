import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hashMessage, keccak256, Transaction, verifyMessage, Wallet } from "ethers";
import { fileAudit, verifyAudit } from "../../src/audit/index.ts";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import type { AuditSink } from "../../src/signer/audit-sink.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { optionsFor, startServer } from "../azure-key-vault/setup.ts";
import type { KmsFault } from "../servers/aws-kms/kms-server.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { newFolder, readEntries } from "./support/folder.ts";

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const ADDRESS = new Wallet(PRIVATE_KEY).address;

/** What a log has after `use`. */
async function logOf(use: (audit: AuditSink) => Promise<unknown>) {
  const folder = newFolder();
  const audit = await fileAudit({ folder });
  await use(audit).finally(() => audit.close());
  expect(await verifyAudit(folder)).toMatchObject({ faults: [], unfinished: [] });
  const entries = readEntries(folder);
  return {
    intents: entries.filter(({ event }) => event === "intent"),
    outcomes: entries.filter(({ event }) => event === "outcome"),
  };
}

describe("a signer with a log", () => {
  test("records a transaction before it is signed, and its hashes afterwards", async () => {
    const transaction = { type: 2, chainId: 1, nonce: 3, to: ADDRESS, value: 5n, gasLimit: 21_000n, maxFeePerGas: 7n };
    let signed = "";
    const { intents, outcomes } = await logOf(async (audit) => {
      signed = await new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { audit }).signTransaction(transaction);
    });
    const { hash, signature, unsignedHash } = Transaction.from(signed);
    expect(intents).toMatchObject([
      {
        ...{ backend: "memory", keyId: "memory-key", policy: null },
        request: {
          kind: "transaction",
          account: ADDRESS,
          digest: unsignedHash,
          chainId: "1",
          nonce: 3,
          to: ADDRESS,
          value: "5",
          maxCost: "147005",
        },
      },
    ]);
    const { id } = intents[0] as { id: string };
    const signatureHash = keccak256(signature?.serialized ?? "");
    expect(outcomes).toMatchObject([{ id, result: "ok", signatureHash, transactionHash: hash }]);
  });

  test("holds neither signature nor message", async () => {
    const folder = newFolder();
    const audit = await fileAudit({ folder });
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { audit });
    const signature = await signer.signMessage("a planted message");
    await audit.close();
    const text = JSON.stringify(readEntries(folder));
    for (const planted of [
      signature.slice(2),
      signature.slice(2, 66),
      "planted",
      Buffer.from("a planted message").toString("hex"),
    ]) {
      expect(text).not.toContain(planted);
    }
    expect(text).toContain(hashMessage("a planted message"));
  });
});

describe("the backend's request ids", () => {
  let kms: Kms;
  beforeAll(async () => {
    kms = await startKms();
  });
  afterAll(() => kms.server.close());

  /** What happens to the next requests to sign. */
  function failNext(...faults: KmsFault[]): void {
    for (const fault of faults) kms.server.faults.add(fault, { operation: "Sign", times: 1 });
  }

  test("AWS KMS's are in the outcome, one for each response", async () => {
    const { outcomes } = await logOf(async (audit) => {
      const signer = new KmsSigner({ ...kms.options(), audit });
      await signer.getAddress();
      failNext({ kind: "exception", name: "KMSInternalException", status: 500 });
      expect(verifyMessage("hi", await signer.signMessage("hi"))).toBe(ADDRESS);
      failNext({ kind: "reset" });
      await signer.signMessage("hi");
      await signer.close();
    });
    const [retried, lost] = outcomes as { attempts: number; requestIds: string[] }[];
    expect(retried).toMatchObject({
      attempts: 2,
      requestIds: [expect.stringMatching(UUID), expect.stringMatching(UUID)],
    });
    expect(new Set(retried?.requestIds).size).toBe(2);
    expect(lost).toMatchObject({ attempts: 2, requestIds: [expect.stringMatching(UUID)] });
  });

  test("Azure's are", async () => {
    const server = await startServer();
    const { outcomes } = await logOf(async (audit) => {
      const signer = new AzureKeyVaultSigner({ ...optionsFor(server), audit });
      await signer.signMessage("hi");
      await signer.close();
    });
    await server.close();
    expect(outcomes).toMatchObject([{ attempts: 1, requestIds: [expect.stringMatching(UUID)] }]);
  });

  test("a lost response and a refusal afterwards leave it open whether KMS signed", async () => {
    const { outcomes } = await logOf(async (audit) => {
      const signer = new KmsSigner({ ...kms.options(), audit });
      await signer.getAddress();
      failNext({ kind: "reset" }, { kind: "exception", name: "AccessDeniedException" });
      await expect(signer.signMessage("hi")).rejects.toMatchObject({ code: "ACCESS_DENIED" });
      failNext({ kind: "exception", name: "AccessDeniedException" });
      await expect(signer.signMessage("hi")).rejects.toMatchObject({ code: "ACCESS_DENIED" });
      await signer.close();
    });
    expect(outcomes).toMatchObject([
      { result: "unknown", code: "ACCESS_DENIED", attempts: 2 },
      { result: "refused", code: "ACCESS_DENIED", attempts: 1 },
    ]);
  });
});
