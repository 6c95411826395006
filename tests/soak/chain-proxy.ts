import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";

/** What may happen to a request on its way to the node, and how often: 0 to 1. */
export interface ChainWeather {
  /** The connection is reset, and the node never hears of the request. */
  readonly lostRequests: number;
  /** The node does what it was asked, and the connection is reset instead of the answer. */
  readonly lostAnswers: number;
  /** At most; each request takes a random part of it longer. */
  readonly delayMs: number;
  /** So long in every second no answer comes through at all. */
  readonly outageMs: number;
}

export const FAIR: ChainWeather = { lostRequests: 0, lostAnswers: 0, delayMs: 0, outageMs: 0 };

/** Stands between a JSON-RPC client and its node, and loses what it is told to lose. */
export class ChainProxy {
  weather: ChainWeather = FAIR;
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  static async start(node: string): Promise<ChainProxy> {
    const server = createServer();
    // Node's default of 5 seconds would end idle connections under a client that is about to use them.
    server.keepAliveTimeout = 0;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ChainProxy(server, node);
  }

  private constructor(server: ReturnType<typeof createServer>, node: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#pass(node, request, response).catch(() => request.socket.resetAndDestroy());
    });
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #pass(node: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { lostRequests, lostAnswers, delayMs, outageMs } = this.weather;
    if (delayMs > 0) await setTimeout(Math.random() * delayMs);
    if (Math.random() < lostRequests) {
      request.socket.resetAndDestroy();
      return;
    }
    const headers = { "content-type": "application/json" };
    const answer = await fetch(node, { method: "POST", headers, body: new Uint8Array(body) });
    const text = await answer.text();
    const isOut = performance.now() % 1_000 < outageMs;
    if (isOut || Math.random() < lostAnswers) request.socket.resetAndDestroy();
    else response.writeHead(answer.status, headers).end(text);
  }
}
