import { AzureKeyVaultKeyStore, AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import { offer } from "./page.ts";

interface Settings {
  readonly vaultUrl: string;
  readonly keyName: string;
  readonly token: string;
}

function access({ vaultUrl, token }: Settings) {
  return {
    vaultUrl,
    credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
    retryOptions: { retryDelayInMs: 1 },
  };
}

const store = (settings: Settings) => new AzureKeyVaultKeyStore(access(settings));

offer<Settings>({
  signer: (settings, timeout) => new AzureKeyVaultSigner({ ...access(settings), keyName: settings.keyName, timeout }),
  store,
  importKey: async (settings, privateKey) =>
    (await store(settings).importKey(privateKey, { name: "imported" })).address,
});
