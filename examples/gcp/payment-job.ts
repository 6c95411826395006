// Sends one payment and waits until it is mined: for a Cloud Run job, a batch node or a machine of Compute Engine, with the service account
// that setup.sh made. It exits with 1 if the payment failed, and prints one line of JSON in any case.
//
//   KEY_VERSION=projects/… EXPECTED_ADDRESS=0x… RPC_URL=https://… TO=0x… AMOUNT=0.25 node payment-job.js

import { JsonRpcProvider, parseEther } from "ethers";
import { isSignerError } from "ethers-hsm";
import { GcpKmsSigner } from "ethers-hsm/gcp-kms";

const signer = new GcpKmsSigner(
  {
    keyVersion: setting("KEY_VERSION"),
    // Another key, for example of another environment, is refused before anything is signed.
    expectedAddress: setting("EXPECTED_ADDRESS"),
    // For a regional or private endpoint. Default: Google's own.
    endpoint: process.env["KMS_ENDPOINT"],
    // Milliseconds: a job must not hang.
    timeout: 10_000,
  },
  new JsonRpcProvider(setting("RPC_URL")),
);

try {
  const sent = await signer.sendTransaction({ to: setting("TO"), value: parseEther(setting("AMOUNT")) });
  const receipt = await sent.wait(1, 120_000);
  console.log(JSON.stringify({ hash: sent.hash, block: receipt?.blockNumber, status: receipt?.status }));
} catch (error) {
  // The JSON of a SignerError says who failed, what to do, and whether a retry can help. It holds no secret; a node's URL might be one, so of
  // ethers' errors only the code and the short message are printed.
  const { code, shortMessage } = error as { readonly code?: string; readonly shortMessage?: string };
  const failure = isSignerError(error) ? error : { code, message: shortMessage };
  console.log(JSON.stringify({ failure }));
  process.exitCode = 1;
} finally {
  await signer.close();
  signer.provider?.destroy();
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`set ${name}`);
  return value;
}
