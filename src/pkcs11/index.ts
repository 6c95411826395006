export type { LibraryInfo, TokenInfo } from "./cryptoki.ts";
export type { Pkcs11Health, Pkcs11SignerHealth } from "./health.ts";
export { Pkcs11Key } from "./key.ts";
export type { KeyProtection } from "./key-protection.ts";
export type { Pkcs11KeyOptions, Pkcs11SignerOptions, Pkcs11TokenMatch, Pkcs11TokenOptions } from "./options.ts";
export type { PoolState } from "./session-pool.ts";
export { Pkcs11Signer } from "./signer.ts";
export { Pkcs11KeyStore } from "./store.ts";
export type { Pkcs11CreateKeyOptions, Pkcs11ImportKeyOptions, Pkcs11StoreOptions } from "./store-options.ts";
