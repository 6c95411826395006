export { type BeyondOrder, beyondOrder } from "./beyond-order.ts";
export { ContractFailure } from "./contract/expectation.ts";
export {
  type ContractCase,
  type RemoteKeyContractOptions,
  remoteKeyContract,
} from "./contract/remote-key-contract.ts";
export { hostileAnswers } from "./hostile-answers.ts";
export type {
  Behaviour,
  Expected,
  HostileAnswer,
  HostilePublicKey,
  HostileSignature,
  MalformedBytes,
} from "./hostile-case.ts";
export { HostileKey } from "./hostile-key.ts";
export { hostilePublicKeys } from "./hostile-public-keys.ts";
export { hostileSignatures } from "./hostile-signatures.ts";
export { malformedDer } from "./malformed-der.ts";
export { malformedEcPoint, malformedSec1, malformedSpki } from "./malformed-public-keys.ts";
export { TestKey } from "./test-key.ts";
