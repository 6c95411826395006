export { GcpKmsKey } from "./key.ts";
export type {
  GcpKmsClientOptions,
  GcpKmsCreateKeyOptions,
  GcpKmsCredential,
  GcpKmsImportKeyOptions,
  GcpKmsKeyOptions,
  GcpKmsSignerOptions,
  GcpKmsStoreOptions,
  GcpKmsVendorClient,
} from "./options.ts";
export { GcpKmsSigner } from "./signer.ts";
export { GcpKmsKeyStore } from "./store.ts";
