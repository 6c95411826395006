import type { Provider } from "ethers";
import { GcpKmsSigner } from "ethers-hsm/gcp-kms";
import { GcpKmsServer } from "../../tests/servers/gcp-kms/server.ts";
import type { DemoBackend } from "./backend.ts";
import { newPrivateKey } from "./new-private-key.ts";

/** `fetch` against a server of the tests that speaks Cloud KMS's protocol; or Google Cloud itself, if a key version is named. */
export function gcpKmsBackend(keyVersion: string | undefined): DemoBackend {
  if (keyVersion !== undefined) {
    return {
      description: "GcpKmsSigner over Google Cloud KMS, with Application Default Credentials",
      open: async (provider: Provider) => new GcpKmsSigner({ keyVersion }, provider),
      close: async () => undefined,
    };
  }
  let server: GcpKmsServer | undefined;
  return {
    description: "GcpKmsSigner over a local server that speaks Cloud KMS's protocol",
    async open(provider: Provider) {
      server = await GcpKmsServer.start();
      const token = "demo-token";
      server.tokens.add(token);
      const [version] = server.rings.add("projects/demo/locations/europe-west1/keyRings/demo/cryptoKeys/demo", {
        privateKey: newPrivateKey(),
      }).versions;
      const auth = { getRequestHeaders: async () => ({ authorization: `Bearer ${token}` }) };
      return new GcpKmsSigner({ keyVersion: version?.name ?? "", auth, endpoint: server.url }, provider);
    },
    close: async () => server?.close(),
  };
}
