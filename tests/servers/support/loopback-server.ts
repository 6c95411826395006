import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { answerCors, type Cors } from "./cors.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** Writes an answer on its own, or what is not one; it may go on for as long as the connection is open. */
export type Stream = (response: ServerResponse) => void;

/** An answer; or a connection reset (RST) instead of one; or none at all, with the connection left open. */
export type Outcome = HttpReply | "reset" | "hang" | Stream;

export interface LoopbackServerOptions {
  /** PEM; with it the server speaks HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  /** Default: any free port. */
  readonly port?: number | undefined;
  /** Default: no page of another origin can read an answer. */
  readonly cors?: Cors | undefined;
}

type HttpServer = ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>;

/** An HTTP server on a free port of 127.0.0.1 that knows which connections are open. */
export class LoopbackServer {
  readonly url: string;
  /** Every connection since the start. */
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: HttpServer;

  static async start(
    handler: (request: HttpRequest) => Promise<Outcome>,
    options: LoopbackServerOptions = {},
  ): Promise<LoopbackServer> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      if (options.cors && answerCors(options.cors, request, response)) return;
      // A client that gives up in the middle is part of the game.
      answer(handler, request, response).catch(() => request.socket.destroy());
    };
    const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
    // Node's default of 5 seconds would end idle connections under a client that is about to use them.
    server.keepAliveTimeout = 0;
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    return new LoopbackServer(server, options.tls ? "https" : "http");
  }

  private constructor(server: HttpServer, scheme: string) {
    this.#server = server;
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on(scheme === "https" ? "secureConnection" : "connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Ends every connection too. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

async function answer(
  handler: (request: HttpRequest) => Promise<Outcome>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "", headers } = request;
  const url = new URL(request.url ?? "/", `http://${headers.host}`);
  const outcome = await handler({ method, url, headers, body: await text(request) });
  if (outcome === "hang") return;
  if (typeof outcome === "function") outcome(response);
  else if (outcome === "reset") request.socket.resetAndDestroy();
  else response.writeHead(outcome.status, outcome.headers).end(outcome.body);
}
