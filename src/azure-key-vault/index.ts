export { AzureKeyVaultKey } from "./key.ts";
export type {
  AzureKeyClient,
  AzureKeyVaultKeyOptions,
  AzureKeyVaultSignerOptions,
  AzureTokenCredential,
} from "./options.ts";
export { AzureKeyVaultSigner } from "./signer.ts";
