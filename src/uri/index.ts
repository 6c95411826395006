export { parseKeyUri } from "./key-uri.ts";
export type { KeyUriOptions } from "./options.ts";
export type { KeyUri, Pkcs11KeyUri } from "./parsed-uri.ts";
export { signerFromUri } from "./signer.ts";
export { type StoreUriOptions, storeFromUri } from "./store.ts";
