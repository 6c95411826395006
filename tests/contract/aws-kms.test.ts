import { KmsSigner } from "../../src/aws-kms/signer.ts";
import { CREDENTIALS } from "../aws-kms/support.ts";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { describeSignerContract } from "./suite.ts";

describeSignerContract("KmsSigner over the SDK and a server that speaks KMS", async () => {
  const server = await KmsServer.start();
  const signers: KmsSigner[] = [];
  return {
    create: async (privateKey, provider) => {
      const { keyId } = server.ring.importKey(privateKey);
      const options = { keyId, region: server.region, endpoint: server.url, credentials: CREDENTIALS };
      const signer = new KmsSigner(options, provider);
      signers.push(signer);
      return signer;
    },
    close: async () => {
      await Promise.all(signers.map((signer) => signer.close()));
      await server.close();
    },
  };
});
