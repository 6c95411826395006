import { once } from "node:events";
import { createServer, request } from "node:http";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";

/** AWS KMS in some Regions behind one address, as AWS_ENDPOINT_URL_KMS names it: a request's signature tells its Region. */
export class KmsRegions {
  /** @param {readonly KmsServer[]} servers */
  constructor(servers) {
    this.servers = servers;
    this.door = createServer((incoming, outgoing) => {
      const region = /Credential=[^/]+\/\d+\/([^/]+)/.exec(incoming.headers.authorization ?? "")?.[1];
      const server = servers.find((each) => each.region === region) ?? this.first;
      const forwarded = request(server.url, { method: "POST", headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forwarded);
    });
  }

  /** @param {readonly string[]} regions */
  static async start(regions) {
    const started = new KmsRegions(await Promise.all(regions.map((region) => KmsServer.start({ region }))));
    started.door.listen(0, "127.0.0.1");
    await once(started.door, "listening");
    return started;
  }

  get first() {
    const [first] = this.servers;
    if (!first) throw new Error("no Region");
    return first;
  }

  get url() {
    const address = this.door.address();
    return typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
  }

  async stop() {
    const closed = once(this.door, "close");
    this.door.close();
    this.door.closeAllConnections();
    await Promise.all([closed, ...this.servers.map((server) => server.close())]);
  }
}
