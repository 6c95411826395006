import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between a client and its database, and loses a response when it is told to: the statement was carried out, and its client does not know. */
export class LossyConnection {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();
  #losses = 0;

  static async start(database: number): Promise<LossyConnection> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LossyConnection(server, database);
  }

  private constructor(server: ReturnType<typeof createServer>, database: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#join(client, connect(database, "127.0.0.1")));
  }

  /** The next response ends its connection instead. */
  loseNext(): void {
    this.#losses += 1;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, database: Socket): void {
    const end = () => {
      for (const socket of [client, database]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on("error", end).on("close", end);
    }
    client.on("data", (request) => database.write(request));
    database.on("data", (response) => {
      if (this.#losses === 0) {
        client.write(response);
        return;
      }
      this.#losses -= 1;
      end();
    });
  }
}
