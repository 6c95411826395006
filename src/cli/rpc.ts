import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { buffer } from "node:stream/consumers";
import { EnsPlugin, FetchRequest, type GetUrlResponse, JsonRpcProvider, Network } from "ethers";
import { isSignerError } from "../core/errors.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";
import { CHAIN_CODES } from "./exit-codes.ts";

/** The node's URL, from `--rpc` or ETHERS_HSM_RPC; undefined if there is none. */
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

/** Runs `use` with a provider, and destroys it. */
export async function withProvider<T>(
  context: Context,
  url: string,
  use: (provider: JsonRpcProvider) => Promise<T>,
): Promise<T> {
  const provider = await connect(url, context.timeout);
  try {
    return await use(provider);
  } finally {
    provider.destroy();
  }
}

/**
 * A provider for the chain that the node reports. The caller destroys it. Each request ends within `timeout`, in milliseconds,
 * and requests go to this node only: no fee station, no gateway of an off-chain name.
 *
 * @throws CommandError NODE_UNREACHABLE, NODE_RESPONSE_INVALID.
 */
export async function connect(url: string, timeout: number): Promise<JsonRpcProvider> {
  const request = new FetchRequest(url);
  request.timeout = timeout;
  request.allowGzip = false;
  request.getUrlFunc = (asked) => post(asked, timeout);
  // Requested here: ethers' own detection would retry without end.
  const network = createNetwork(await requestChainId(request.clone()));
  const provider = new JsonRpcProvider(request, network, { staticNetwork: true });
  provider.disableCcipRead = true;
  return provider;
}

/** The result of calls to the node. @throws CommandError NODE_RESPONSE_INVALID if ethers cannot use a response. */
export async function fromNode<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, shortMessage } = error as { readonly code?: unknown; readonly shortMessage?: string };
    if (error instanceof CommandError || isSignerError(error) || (CHAIN_CODES.has(code) && code !== "BAD_DATA"))
      throw error;
    const why = shortMessage === undefined ? "" : ` (${shortMessage})`;
    throw new CommandError("NODE_RESPONSE_INVALID", `the node's responses give no ${what}${why}`, "check its URL");
  }
}

/** Of ethers' plug-ins only ENS: that of Polygon requests fees from a third party. */
function createNetwork(chainId: bigint): Network {
  const { name, plugins } = Network.from(chainId);
  const network = new Network(name, chainId);
  for (const plugin of plugins) if (plugin instanceof EnsPlugin) network.attachPlugin(plugin.clone());
  return network;
}

async function requestChainId(request: FetchRequest): Promise<bigint> {
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  const response = await fromNode("chain id", () => request.send());
  const body: unknown = response.statusCode === 200 ? response.bodyJson : undefined;
  const chainId = readChainId((Object(body) as { readonly result?: unknown }).result);
  if (chainId === undefined) {
    const hint =
      response.statusCode === 401 || response.statusCode === 403 ? "check the key in its URL" : "check its URL";
    const reason = `the node does not report its chain id (HTTP ${response.statusCode})`;
    throw new CommandError("NODE_RESPONSE_INVALID", reason, hint);
  }
  // EIP-155: a legacy transaction without a chain id is valid on every chain.
  if (chainId > 0n) return chainId;
  throw new CommandError("NODE_RESPONSE_INVALID", "the node reports chain id 0, which no chain has", "check its URL");
}

/** A quantity, leading zeros included, or a JSON number, as some nodes answer. */
function readChainId(result: unknown): bigint | undefined {
  if (typeof result === "number" && Number.isSafeInteger(result) && result >= 0) return BigInt(result);
  return typeof result === "string" && /^0x[\da-f]{1,64}$/i.test(result) ? BigInt(result) : undefined;
}

/** One POST, which ends with its socket within `timeout`. A body that is not JSON is refused here, once for all methods. */
async function post({ url, headers, body }: FetchRequest, timeout: number): Promise<GetUrlResponse> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const { response, content } = await new Promise<Received>((resolve, reject) => {
      const send = url.startsWith("https:") ? requestHttps : requestHttp;
      const request = send(url, { method: "POST", headers, signal }, (response) => {
        buffer(response).then((content) => resolve({ response, content }), reject);
      });
      request.once("error", reject);
      request.end(body);
    });
    const { statusCode = 0, statusMessage = "", headers: received } = response;
    if (statusCode === 200) JSON.parse(content.toString());
    const all = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
    return { statusCode, statusMessage, headers: all, body: new Uint8Array(content) };
  } catch (error) {
    throw unreachable(error, signal.aborted, timeout);
  }
}

interface Received {
  readonly response: IncomingMessage;
  readonly content: Buffer;
}

function unreachable(error: unknown, isLate: boolean, timeout: number): CommandError {
  if (isLate) {
    const reason = `the node did not respond within ${timeout / 1_000} seconds`;
    return new CommandError("NODE_UNREACHABLE", reason, "check its URL and the network, or pass a longer --timeout");
  }
  if (error instanceof SyntaxError) {
    return new CommandError("NODE_RESPONSE_INVALID", "the node's response is not JSON", "check its URL");
  }
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  const hint = "check its URL, and outbound network access (firewall, proxy)";
  return new CommandError("NODE_UNREACHABLE", `the node cannot be reached (${code})`, hint);
}
