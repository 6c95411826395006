export type { CloudHsmKeyOptions, CloudHsmSignerOptions, CloudHsmStoreOptions } from "./options.ts";
export { CloudHsmSigner } from "./signer.ts";
export { CloudHsmKeyStore } from "./store.ts";
