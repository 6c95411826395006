export { AzureKeyVaultKey } from "./key.ts";
export type {
  AzureKeyClient,
  AzureKeyVaultKeyOptions,
  AzureKeyVaultSignerOptions,
  AzureTokenCredential,
} from "./options.ts";
export { AzureKeyVaultSigner } from "./signer.ts";
export { AzureKeyVaultKeyStore } from "./store.ts";
export type {
  AzureKeyStoreClient,
  AzureKeyVaultImportOptions,
  AzureKeyVaultKeyStoreOptions,
  AzureKeyVaultNewKeyOptions,
} from "./store-options.ts";
