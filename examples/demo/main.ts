// The main job, on real parts: a key inside an HSM signs an EIP-1559 transaction, an Ethereum node mines it, and the
// receipt names the key's address as the sender. It exits with 1 if anything differs.
//
//   npm run demo [-- --backend pkcs11|cloudhsm|aws-kms|azure-key-vault|gcp-kms] [--key KEY]
//
// Without --key it brings a stand-in of the service and a new key. With --key it uses the real service, with the credentials of
// your environment, and that key: a label in AWS CloudHSM, whose PIN is read from CLOUDHSM_PIN, or in another token, of which
// PKCS11_LIBRARY, PKCS11_TOKEN and PKCS11_PIN tell the rest; an id, ARN or alias in AWS KMS; a URL in Azure Key Vault; the full name of a version in Google Cloud KMS. The chain
// is a local one in any case.

import { parseArgs } from "node:util";
import { formatEther, parseEther, Transaction, verifyMessage, verifyTypedData } from "ethers";
import type { RemoteSigner } from "ethers-hsm";
import { type Anvil, startAnvil } from "../../tests/support/anvil.ts";
import { BACKENDS } from "./backends.ts";
import { expectEqual, Report } from "./report.ts";

const RECIPIENT = "0x000000000000000000000000000000000000dEaD";
const VALUE = parseEther("1.5");

const { values } = parseArgs({ options: { backend: { type: "string", default: "pkcs11" }, key: { type: "string" } } });
const select = BACKENDS[values.backend];
if (!select) {
  console.error(`--backend is one of ${Object.keys(BACKENDS).join(", ")}`);
  process.exit(2);
}

const report = new Report();
const backend = select(values.key);
const anvil = await startAnvil();
let signer: RemoteSigner | undefined;
try {
  report.step("backend", backend.description);
  signer = await backend.open(anvil.provider());
  report.step("key", signer.keyId);
  await sendTransaction(signer, anvil);
  await signMessages(signer);
  report.end();
} finally {
  await signer?.close();
  await backend.close();
  await anvil.stop();
}

async function sendTransaction(signer: RemoteSigner, { fund, provider }: Anvil): Promise<void> {
  const address = await signer.getAddress();
  report.step("address", address);

  await fund(address, parseEther("10"));
  const balance = await provider().getBalance(address);
  expectEqual("the balance", balance, parseEther("10"));
  report.step("funded with", `${formatEther(balance)} ETH`);

  const response = await signer.sendTransaction({ to: RECIPIENT, value: VALUE });
  expectEqual("the transaction's type", response.type, 2);
  report.step("transaction", response.hash);

  const receipt = await response.wait();
  expectEqual("the receipt's status", receipt?.status, 1);
  expectEqual("the receipt's sender", receipt?.from, address);
  report.step("mined in block", `${receipt?.blockNumber}`);

  const mined = await provider().getTransaction(response.hash);
  const recovered = mined && Transaction.from(mined).from;
  expectEqual("the sender recovered from the mined transaction", recovered, address);
  expectEqual("the recipient's balance", await provider().getBalance(RECIPIENT), VALUE);
  report.step("recovered sender", `${recovered}`);
}

async function signMessages(signer: RemoteSigner): Promise<void> {
  const address = await signer.getAddress();
  const message = "The key never left the token.";
  expectEqual("the message's signer", verifyMessage(message, await signer.signMessage(message)), address);
  report.step("message (EIP-191)", "verified");

  const domain = { name: "ethers-hsm demo", version: "1", chainId: 31337 };
  const types = {
    Payment: [
      { name: "to", type: "address" },
      { name: "wei", type: "uint256" },
    ],
  };
  const payment = { to: RECIPIENT, wei: VALUE };
  const signature = await signer.signTypedData(domain, types, payment);
  expectEqual("the typed data's signer", verifyTypedData(domain, types, payment, signature), address);
  report.step("typed data (EIP-712)", "verified");
}
