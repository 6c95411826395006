export type { CloudHsmKeyOptions, CloudHsmSignerOptions } from "./options.ts";
export { CloudHsmSigner } from "./signer.ts";
