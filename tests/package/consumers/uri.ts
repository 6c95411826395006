// What an application does that names its key by a URI, with one vendor's SDK installed. It is compiled as an ES module and as
// CommonJS, libraries' declarations included, and run as both, with:
//   SERVICES=… node uri.js
// SERVICES is JSON that says where a server for AWS KMS is, and which account's key it holds.

import assert from "node:assert/strict";
import { verifyMessage } from "ethers";
import type { KmsSignerOptions } from "ethers-hsm/aws-kms";
import { type KeyUriOptions, parseKeyUri, signerFromUri } from "ethers-hsm/uri";

interface Services {
  readonly address: string;
  readonly kms: { readonly keyId: string; readonly region: string; readonly endpoint: string };
}

async function main({ address, kms }: Services): Promise<void> {
  const uri = `aws-kms:${kms.keyId}?region=${kms.region}`;
  const parsed = parseKeyUri(uri);
  assert(parsed.backend === "aws-kms");
  assert.equal(parsed.options.region, kms.region);
  const awsKms: Partial<KmsSignerOptions> = {
    endpoint: kms.endpoint,
    credentials: { accessKeyId: "AKIACONSUMERCONSUMER", secretAccessKey: "consumer" },
  };
  const options: KeyUriOptions = { expectedAddress: address, awsKms };
  const signer = await signerFromUri(uri, null, options);
  assert.equal(verifyMessage("hello", await signer.signMessage("hello")), address);
  await signer.close();
}

void main(JSON.parse(process.env["SERVICES"] ?? ""));
