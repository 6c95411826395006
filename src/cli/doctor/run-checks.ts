import { hashMessage } from "ethers";
import type { RemoteSigner } from "../../signer/remote-signer.ts";
import { parseKeyUri } from "../../uri/key-uri.ts";
import { optionsOf } from "../../uri/options.ts";
import { signerFromUri } from "../../uri/signer.ts";
import type { Context } from "../context.ts";
import { keyOptionsOf, keyUriOf } from "../keys.ts";
import { rpcUrlOf } from "../rpc.ts";
import { checkAwsKms } from "./aws-kms.ts";
import { checkAzureKeyVault } from "./azure-key-vault.ts";
import { checkChain } from "./chain.ts";
import { Checks, type Outcome, type StepReport } from "./checks.ts";
import { checkGcpKms } from "./gcp-kms.ts";
import { checkPkcs11 } from "./pkcs11.ts";
import { TEST_MESSAGE } from "./test-message.ts";

/** @throws CommandError USAGE, or ethers' INVALID_ARGUMENT, if the command line or the URI cannot be right. */
export async function runChecks(context: Context): Promise<readonly StepReport[]> {
  const [uri, rpcUrl] = [keyUriOf(context), rpcUrlOf(context)];
  const given = await keyOptionsOf(context, uri);
  const parsed = parseKeyUri(uri);
  const signer = await signerFromUri(uri, null, given);
  const { timeout } = context;
  const checks = new Checks(context.terminal, timeout);
  try {
    const options = await optionsOf(parsed, given);
    const check = { checks, signer, options, timeout };
    const { publicKey, permission } = await {
      "aws-kms": checkAwsKms,
      "azure-key-vault": checkAzureKeyVault,
      "gcp-kms": checkGcpKms,
      pkcs11: checkPkcs11,
      cloudhsm: checkPkcs11,
    }[parsed.backend](check);
    const address = await checkSignature(checks, signer, publicKey, permission);
    if (rpcUrl !== undefined) await checkChain(check, rpcUrl, address);
    return checks.reports;
  } finally {
    // A session that could not be closed in time says nothing about the key.
    await signer.close().catch(() => undefined);
  }
}

async function checkSignature(
  checks: Checks,
  signer: RemoteSigner,
  publicKey: Outcome<unknown>,
  permission: Outcome<unknown>,
): Promise<Outcome<string>> {
  const address = await checks.step("address", [publicKey], async () => {
    const found = await signer.getAddress();
    return { detail: found, facts: { address: found, publicKey: await signer.getPublicKey() }, value: found };
  });
  await checks.step("signature", [publicKey, permission], async () => {
    // The signer verifies it against the public key, or throws.
    const signature = await signer.signMessage(TEST_MESSAGE);
    const detail = "signed the test message, and the signature is by the key";
    return { detail, facts: { message: TEST_MESSAGE, digest: hashMessage(TEST_MESSAGE), signature }, value: signature };
  });
  return address;
}
