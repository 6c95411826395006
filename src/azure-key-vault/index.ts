export { AzureKeyVaultKey } from "./key.ts";
export type {
  AzureKeyClient,
  AzureKeyStoreClient,
  AzureKeyVaultCreateKeyOptions,
  AzureKeyVaultImportKeyOptions,
  AzureKeyVaultKeyOptions,
  AzureKeyVaultSignerOptions,
  AzureKeyVaultStoreOptions,
  AzureTokenCredential,
} from "./options.ts";
export { AzureKeyVaultSigner } from "./signer.ts";
export { AzureKeyVaultKeyStore } from "./store.ts";
