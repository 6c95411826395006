export type { CloudHsmKeyOptions, CloudHsmKeyStoreOptions, CloudHsmSignerOptions } from "./options.ts";
export { CloudHsmSigner } from "./signer.ts";
export { CloudHsmKeyStore } from "./store.ts";
