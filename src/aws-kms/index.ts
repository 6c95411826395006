export { KmsKey } from "./key.ts";
export type {
  KmsClientOptions,
  KmsCreateKeyOptions,
  KmsImportKeyOptions,
  KmsKeyOptions,
  KmsSignerOptions,
  KmsStoreOptions,
} from "./options.ts";
export { KmsSigner } from "./signer.ts";
export { KmsKeyStore } from "./store.ts";
