export { ContractFailure } from "./contract/expectation.ts";
export {
  type ContractCase,
  type RemoteKeyContractOptions,
  remoteKeyContract,
} from "./contract/remote-key-contract.ts";
export { type NonceStoreContractOptions, nonceStoreContract } from "./nonce-contract/nonce-store-contract.ts";
export { TestKey } from "./test-key.ts";
