// What an application does with the entries around the signers: policy, audit, nonces, telemetry and attestation.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonRpcProvider, Wallet } from "ethers";
import { isSignerError, RemoteSigner } from "ethers-hsm";
import { MARVELL_ROOTS } from "ethers-hsm/attestation";
import { ed25519Checkpoints, fileAudit, verifyAudit } from "ethers-hsm/audit";
import { memoryNonceStore, withNonces } from "ethers-hsm/nonces";
import { openTelemetry } from "ethers-hsm/opentelemetry";
import { allow, definePolicy, message } from "ethers-hsm/policy";
import { TestKey } from "ethers-hsm/testing";

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-consumer-"));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const audit = await fileAudit({ folder, sign: ed25519Checkpoints("auditor", privateKey) });
  const policy = definePolicy({ name: "consumer", version: 1, rules: [allow("greet", message())] });
  const options = { policy, audit, observer: openTelemetry() };
  const provider = new JsonRpcProvider("http://127.0.0.1:1", 1, { staticNetwork: true });
  const signer = new RemoteSigner(new TestKey(Wallet.createRandom().privateKey), provider, options);

  assert.equal((await signer.signMessage("hello")).length, 132);
  await assert.rejects(signer.signTransaction({ type: 2, chainId: 1, to: await signer.getAddress() }), (error) =>
    isSignerError(error, "POLICY_DENIED"),
  );
  const nonces = withNonces(signer, memoryNonceStore());
  assert.equal(await nonces.getAddress(), await signer.getAddress());
  await signer.close();
  await audit.close();
  const report = await verifyAudit(folder, { publicKey });
  assert.deepEqual(report.faults, []);
  assert(MARVELL_ROOTS.length > 0);
  provider.destroy();
  rmSync(folder, { recursive: true });
}

void main();
