import { KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { getBytes, id } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { signatureFromDer } from "ethers-hsm/codecs";
import type { KmsTarget } from "../backend-server.ts";
import type { Contenders } from "../contender.ts";
import { CREDENTIALS } from "../settings.ts";
import { requireRawSignatureBy, requireSignatureBy } from "./proof.ts";

const DIGEST = getBytes(id("a digest"));

/** The SDK alone, and the signer on it: both sign one digest with AWS's protocol. */
export const contenders: Contenders<KmsTarget> = {
  async sdk({ keyId, address, region, endpoint }) {
    const client = new KMSClient({ region, endpoint, credentials: CREDENTIALS });
    const sign = () =>
      client.send(
        new SignCommand({
          KeyId: keyId,
          Message: DIGEST,
          MessageType: "DIGEST",
          SigningAlgorithm: "ECDSA_SHA_256",
        }),
      );
    return {
      perform: sign,
      async prove() {
        const { Signature = new Uint8Array() } = await sign();
        requireRawSignatureBy(address, DIGEST, signatureFromDer(Signature));
      },
    };
  },

  async signer({ keyId, address, region, endpoint }) {
    const signer = new KmsSigner({ keyId, region, endpoint, credentials: CREDENTIALS });
    return {
      perform: () => signer.signDigest(DIGEST),
      prove: async () => requireSignatureBy(address, DIGEST, await signer.signDigest(DIGEST)),
    };
  },
};
