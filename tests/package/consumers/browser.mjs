// A page as a bundler is given it. `npm run browser` runs such pages in Chromium.

import { verifyMessage } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import { createProvider } from "ethers-hsm/eip1193";
import { GcpKmsSigner } from "ethers-hsm/gcp-kms";
import { definePolicy } from "ethers-hsm/policy";
import { TestKey } from "ethers-hsm/testing";
import { toViemAccount } from "ethers-hsm/viem";

async function main() {
  const signer = new RemoteSigner(new TestKey(`0x${"2a".repeat(32)}`));
  const address = await signer.getAddress();
  if (verifyMessage("hello", await signer.signMessage("hello")) !== address) throw new Error("another address");
  if ((await toViemAccount(signer)).address !== address) throw new Error("another address");
}

Object.assign(globalThis, { used: [KmsSigner, AzureKeyVaultSigner, GcpKmsSigner, createProvider, definePolicy] });
void main();
