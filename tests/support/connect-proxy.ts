import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** An HTTP proxy on loopback that tunnels by CONNECT (RFC 9110, section 9.3.6) for one user, and notes for which hosts. */
export class ConnectProxy {
  /** host:port of each tunnel. */
  readonly tunnels: string[] = [];
  /** Answers 407 to every CONNECT. */
  refuses = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<ConnectProxy> {
    const server = createServer((_request, response) => void response.writeHead(405).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ConnectProxy(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => this.#keep(socket));
    server.on("connect", ({ url = "", headers }, socket: Socket) => {
      const expected = `Basic ${Buffer.from("user:planted-password").toString("base64")}`;
      if (this.refuses || headers["proxy-authorization"] !== expected) {
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      this.tunnels.push(url);
      const [host, port] = url.split(":");
      const target = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      this.#keep(target);
    });
  }

  get url(): string {
    return `http://user:planted-password@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
  }
}
