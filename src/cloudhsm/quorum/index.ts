export { CloudHsmQuorumKey } from "./key.ts";
export type { ApproveQuorum, CloudHsmQuorumKeyOptions, CloudHsmQuorumSignerOptions } from "./options.ts";
export {
  parseRegistrationTokenFile,
  type RegistrationToken,
  type RegistrationTokenFile,
  serializeRegistrationTokenFile,
  signRegistrationToken,
} from "./registration.ts";
export { CloudHsmQuorumSigner } from "./signer.ts";
