export { ContractFailure } from "./contract/expectation.ts";
export {
  type ContractCase,
  type RemoteKeyContractOptions,
  remoteKeyContract,
} from "./contract/remote-key-contract.ts";
export { TestKey } from "./test-key.ts";
