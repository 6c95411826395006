import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { KMSClient } from "@aws-sdk/client-kms";
import { Wallet } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import type { KmsTarget } from "../backend-server.ts";
import type { Contender, Contenders } from "../contender.ts";
import { CREDENTIALS } from "../settings.ts";
import { requireTransactionBy } from "./proof.ts";

/** What is used of a signer, of ethers v6 or v5. */
interface AnySigner {
  signTransaction(transaction: object): Promise<string>;
}

type Constructor = new (...args: readonly unknown[]) => AnySigner;

// Not an import: their types need their own copies of ethers, and they are not there before the benchmark installed them.
const load = createRequire(import.meta.url);

const TRANSACTION = {
  type: 2,
  chainId: 1,
  nonce: 7,
  to: "0x8ba1f109551bD432803012645Ac136ddd64DBA72",
  value: 1_000_000_000_000_000n,
  gasLimit: 21_000n,
  maxFeePerGas: 30_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
  // One of them takes a missing `from` for a wrong one, and the right one too, since it compares it with lower case.
  from: null,
};

/**
 * Published signers over AWS KMS, this library's, and a key in memory: each signs the same EIP-1559 transaction.
 *
 * Those without an option for it find the server by AWS_ENDPOINT_URL_KMS.
 */
export const contenders: Contenders<KmsTarget> = {
  wallet: async () => {
    const wallet = Wallet.createRandom();
    const { prove } = signing(wallet as AnySigner, wallet.address);
    const perform = async () => {
      await wallet.signTransaction({ ...TRANSACTION });
      // It waits for nothing, so that the event loop would not turn once in the whole measurement.
      await turn();
    };
    return { perform, prove };
  },

  "ethers-hsm": async ({ keyId, region, address }) =>
    signing(new KmsSigner({ keyId, region, credentials: CREDENTIALS }) as AnySigner, address),

  "@rumblefishdev/eth-signer-kms": async ({ keyId, region, address }) => {
    const { KMSSigner } = load("@rumblefishdev/eth-signer-kms") as {
      KMSSigner: { create(provider: null, keyId: string, client: KMSClient): Promise<AnySigner> };
    };
    return signing(await KMSSigner.create(null, keyId, new KMSClient({ region, credentials: CREDENTIALS })), address);
  },

  "@cuonghx.gu-tech/ethers-aws-kms-signer": async ({ keyId, region, address }) => {
    const { AwsKmsSigner } = load("@cuonghx.gu-tech/ethers-aws-kms-signer") as { AwsKmsSigner: Constructor };
    return signing(new AwsKmsSigner({ keyId, region, credentials: CREDENTIALS }), address);
  },

  "@nexusmutual/ethers-v6-aws-kms-signer": async ({ keyId, region, address }) => {
    const { AwsKmsSigner } = load("@nexusmutual/ethers-v6-aws-kms-signer") as { AwsKmsSigner: Constructor };
    return signing(new AwsKmsSigner({ kmsKeyId: keyId, region, ...CREDENTIALS }), address);
  },

  "aws-kms-ethers-signer": async ({ keyId, region, address }) => {
    const { KmsEthersSigner } = load("aws-kms-ethers-signer") as { KmsEthersSigner: Constructor };
    return signing(new KmsEthersSigner({ keyId, kmsClientConfig: { region, credentials: CREDENTIALS } }), address);
  },
};

function signing(signer: AnySigner, address: string): Contender {
  // A copy for each: some change what they are given.
  const sign = () => signer.signTransaction({ ...TRANSACTION });
  return { perform: sign, prove: async () => requireTransactionBy(address, await sign()) };
}
