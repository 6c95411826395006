import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Eip1193Provider, ProviderRpcError } from "ethers-hsm/eip1193";

export interface WalletEndpointOptions {
  readonly provider: Eip1193Provider;
  readonly username: string;
  readonly password: string;
  /** Default: any free one. */
  readonly port?: number;
}

const MAX_BODY = 64 * 1024;

/**
 * A hosted wallet's JSON-RPC URL, on this machine alone: it signs for the provider's accounts, and passes everything
 * else on to its node. A caller with the user's name and password can spend what the accounts own.
 */
export class WalletEndpoint {
  readonly #server: Server;
  readonly #provider: Eip1193Provider;
  readonly #authorization: Buffer;

  private constructor({ provider, username, password }: WalletEndpointOptions) {
    this.#provider = provider;
    this.#authorization = hash(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
    this.#server = createServer(async (request, response) => {
      const [status, body] = await this.#answer(request).catch(() => [400, undefined] as const);
      response.writeHead(status, { "content-type": "application/json" }).end(body && JSON.stringify(body));
    });
  }

  static async start(options: WalletEndpointOptions): Promise<WalletEndpoint> {
    const endpoint = new WalletEndpoint(options);
    endpoint.#server.listen(options.port ?? 0, "127.0.0.1");
    await once(endpoint.#server, "listening");
    return endpoint;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers what is under way, and ends. */
  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeIdleConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage): Promise<readonly [status: number, body?: object]> {
    if (!timingSafeEqual(hash(request.headers.authorization ?? ""), this.#authorization)) return [401];
    if (request.method !== "POST") return [405];
    if (Number(request.headers["content-length"] ?? MAX_BODY + 1) > MAX_BODY) return [413];
    const { jsonrpc, id, method, params } = JSON.parse(await text(request));
    if (jsonrpc !== "2.0" || id === undefined) return [400];
    try {
      return [200, { jsonrpc, id, result: await this.#provider.request({ method, params }) }];
    } catch (error) {
      if (!(error instanceof ProviderRpcError)) throw error;
      return [200, { jsonrpc, id, error: { code: error.code, message: error.message, data: error.data } }];
    }
  }
}

function hash(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
