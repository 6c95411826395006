import type { Provider } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import type { DemoBackend } from "./backend.ts";
import { newPrivateKey } from "./new-private-key.ts";

/** AWS's SDK against a server of the tests that speaks KMS's protocol; or AWS itself, where a key there is named. */
export function awsKmsBackend(keyId: string | undefined): DemoBackend {
  if (keyId !== undefined) {
    return {
      description: "KmsSigner over AWS KMS, with the credentials and the Region of your environment",
      open: async (provider: Provider) => new KmsSigner({ keyId }, provider),
      close: async () => undefined,
    };
  }
  let server: KmsServer | undefined;
  return {
    description: "KmsSigner over AWS's SDK and a local server that speaks KMS's protocol",
    async open(provider: Provider) {
      // The SDK says on Node 20 that later versions of it will need a later Node.
      process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
      server = await KmsServer.start();
      const { url: endpoint, region, ring } = server;
      const credentials = { accessKeyId: "AKIADEMODEMODEMODEMO", secretAccessKey: "demo" };
      const key = ring.importKey(newPrivateKey());
      return new KmsSigner({ keyId: key.keyId, region, endpoint, credentials }, provider);
    },
    close: async () => server?.close(),
  };
}
