export type { AccountSource } from "./accounts.ts";
export { ProviderRpcError, type ProviderRpcErrorOptions } from "./errors.ts";
export { createProvider, type Eip1193Provider, type ProviderEvents, type ProviderOptions } from "./provider.ts";
export type { Eip1193Like, RequestArguments, UpstreamProvider } from "./transports.ts";
