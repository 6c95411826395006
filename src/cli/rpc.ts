import { FetchRequest, JsonRpcProvider, Network } from "ethers";
import type { Context } from "./context.ts";
import { ChainError } from "./exit-codes.ts";
import { requireUsage } from "./usage-error.ts";

const TIMEOUT_MS = 30_000;

/** The node's URL, of `--rpc` or ETHERS_HSM_RPC; undefined where there is none. */
export function rpcUrlOf(context: Context): string | undefined {
  const url = context.setting("rpc", "ETHERS_HSM_RPC");
  const isUrl = url === undefined || (/^https?:\/\//i.test(url) && URL.canParse(url));
  requireUsage(isUrl, "--rpc (or ETHERS_HSM_RPC) must be a URL of https:// or http://");
  return url;
}

export function requireRpcUrl(context: Context): string {
  const url = rpcUrlOf(context);
  requireUsage(url !== undefined, "no node is named: pass --rpc URL, or set ETHERS_HSM_RPC");
  return url;
}

/**
 * A provider of the chain that the node says it is on. Its caller destroys it.
 *
 * @throws ChainError where the node cannot be reached, or answers something else.
 */
export async function connect(url: string): Promise<JsonRpcProvider> {
  const request = new FetchRequest(url);
  request.timeout = TIMEOUT_MS;
  // Asked for by hand: ethers' own detection would try for ever.
  const chainId = await askChainId(request.clone());
  return new JsonRpcProvider(request, Network.from(chainId), { staticNetwork: true });
}

async function askChainId(request: FetchRequest): Promise<bigint> {
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  let status: number;
  let body: unknown;
  try {
    const response = await request.send();
    status = response.statusCode;
    body = response.hasBody() ? response.bodyJson : undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = /JSON/.test(message) ? "its answer is no JSON" : code;
    throw new ChainError(`the node cannot be reached (${why}): check its URL, and the way out of this network`);
  }
  const { result } = (body ?? {}) as { readonly result?: unknown };
  if (status === 200 && typeof result === "string" && /^0x[\da-f]+$/i.test(result)) return BigInt(result);
  const cure = status === 401 || status === 403 ? "check the key in its URL" : "check its URL";
  throw new ChainError(`the node does not say its chain id (HTTP ${status}): ${cure}`);
}

/** Runs `use` with a provider, and destroys it. */
export async function withProvider<T>(url: string, use: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
  const provider = await connect(url);
  try {
    return await use(provider);
  } finally {
    provider.destroy();
  }
}
