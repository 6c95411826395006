export type { AccountSource } from "./account-source.ts";
export { createProvider, type HsmProvider, type ProviderOptions } from "./create-provider.ts";
export type { ProviderEvents } from "./provider.ts";
export { ProviderRpcError, type ProviderRpcErrorOptions } from "./rpc-error.ts";
export type { Eip1193Like, RequestArguments, UpstreamProvider } from "./upstream.ts";
