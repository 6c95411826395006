import { KmsKeyStore, KmsSigner } from "ethers-hsm/aws-kms";
import { offer } from "./page.ts";

interface Settings {
  readonly keyId: string;
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const store = ({ keyId: _, ...service }: Settings) => new KmsKeyStore(service);

offer<Settings>({
  signer: (settings, timeout) => new KmsSigner({ ...settings, timeout }),
  store,
  importKey: async (settings, privateKey) => (await store(settings).importKey(privateKey)).address,
});
