export type { KmsClientOptions } from "./client-options.ts";
export type { CreateKmsKeyOptions } from "./creation-options.ts";
export type { ImportKmsKeyOptions } from "./importing.ts";
export { KmsKey } from "./key.ts";
export type { KmsKeyOptions, KmsSignerOptions } from "./options.ts";
export { KmsSigner } from "./signer.ts";
export { KmsKeyStore } from "./store.ts";
export type { KmsKeyStoreOptions } from "./store-options.ts";
