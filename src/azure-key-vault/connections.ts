import type { KeyClientOptions } from "@azure/keyvault-keys";

type Agent = NonNullable<KeyClientOptions["agent"]>;

interface AgentModule {
  readonly Agent: new (options: object) => Agent;
}

interface NodeProcess {
  readonly env?: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: string): unknown;
}

// The SDK opens as many as there are calls in flight; AWS's SDK stops here.
const MAX_SOCKETS = 50;
const PROXY_VARIABLES = ["HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"];

/**
 * A pool of kept-alive connections of one client's own, so that closing it ends them: those of the SDK's default pool belong
 * to the process. Undefined where the caller brings an agent, an HTTP client or a proxy, which the SDK would not use beside
 * it, and where there are no such pools, as in browsers.
 */
export function ownConnections(url: string, options: KeyClientOptions): Agent | undefined {
  const { agent, httpClient, proxyOptions, tlsOptions, keepAliveOptions } = options;
  const { process } = globalThis as { process?: NodeProcess };
  if (agent || httpClient || proxyOptions || keepAliveOptions?.enable === false || hasProxy(process)) return undefined;
  // Not an import: bundles for browsers come by here too.
  const module = process?.getBuiltinModule?.(url.startsWith("https:") ? "node:https" : "node:http");
  if (module === undefined) return undefined;
  return new (module as AgentModule).Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...tlsOptions });
}

function hasProxy(process: NodeProcess | undefined): boolean {
  return PROXY_VARIABLES.some((name) => process?.env?.[name] || process?.env?.[name.toLowerCase()]);
}
