export { KmsKey } from "./key.ts";
export type { KmsKeyOptions, KmsSignerOptions } from "./options.ts";
export { KmsSigner } from "./signer.ts";
