export { Pkcs11Key } from "./key.ts";
export type { Pkcs11KeyOptions, Pkcs11SignerOptions } from "./options.ts";
export { Pkcs11Signer } from "./signer.ts";
