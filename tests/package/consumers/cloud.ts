// What an application with the vendors' SDKs does. It is compiled as an ES module and as CommonJS, and run as both, with:
//   SERVICES=… WITH_PEERS=true|false node cloud.js
// SERVICES is JSON that says where servers for AWS KMS and Azure Key Vault are, and which account's key both hold.

import assert from "node:assert/strict";
import { Transaction, verifyMessage } from "ethers";
import { isSignerError, type RemoteSigner } from "ethers-hsm";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";

interface Services {
  readonly address: string;
  readonly kms: { readonly keyId: string; readonly region: string; readonly endpoint: string };
  readonly vault: { readonly vaultUrl: string; readonly keyName: string; readonly token: string };
}

function signers({ kms, vault }: Services): RemoteSigner[] {
  const { token, ...key } = vault;
  return [
    new KmsSigner({ ...kms, credentials: { accessKeyId: "AKIACONSUMERCONSUMER", secretAccessKey: "consumer" } }),
    new AzureKeyVaultSigner({
      ...key,
      credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
      allowInsecureConnection: true,
      disableChallengeResourceVerification: true,
    }),
  ];
}

async function main(services: Services, withSdks: boolean): Promise<void> {
  for (const signer of signers(services)) {
    if (withSdks) {
      assert.equal(await signer.getAddress(), services.address);
      assert.equal(verifyMessage("hello", await signer.signMessage("hello")), services.address);
      const signed = await signer.signTransaction({ type: 2, chainId: 1, to: services.address, value: 1n });
      assert.equal(Transaction.from(signed).from, services.address);
    } else {
      await assert.rejects(signer.getAddress(), (error) => {
        assert(isSignerError(error, "DEPENDENCY_MISSING"), String(error));
        assert.match(error.message, /npm install @(aws-sdk\/client-kms|azure\/keyvault-keys)/);
        return true;
      });
    }
    await signer.close();
  }
}

void main(JSON.parse(process.env["SERVICES"] ?? ""), process.env["WITH_PEERS"] === "true");
