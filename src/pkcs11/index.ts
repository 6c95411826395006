export { Pkcs11Key } from "./key.ts";
export type { Pkcs11KeyOptions, Pkcs11SignerOptions, Pkcs11TokenOptions } from "./options.ts";
export { Pkcs11Signer } from "./signer.ts";
export { Pkcs11KeyStore } from "./store.ts";
export type { CreatePkcs11KeyOptions, ImportPkcs11KeyOptions, Pkcs11KeyStoreOptions } from "./store-options.ts";
