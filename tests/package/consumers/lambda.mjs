// A function of Lambda as a bundler is given it: each backend, of which pkcs11js stays outside.

import assert from "node:assert/strict";
import { verifyMessage } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { signerFromUri } from "ethers-hsm/uri";

const { kms, address } = JSON.parse(process.env["SERVICES"] ?? "");
const credentials = { accessKeyId: "AKIACONSUMERCONSUMER", secretAccessKey: "consumer" };

async function main() {
  const { endpoint, keyId, region } = kms;
  const options = { awsKms: { endpoint, credentials } };
  for (const signer of [
    new KmsSigner({ ...kms, credentials }),
    await signerFromUri(`aws-kms:${keyId}?region=${region}`, null, options),
  ]) {
    assert.equal(verifyMessage("hello", await signer.signMessage("hello")), address);
    await signer.close();
  }
}

void main();
