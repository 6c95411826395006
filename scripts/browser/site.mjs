import { once } from "node:events";
import { createServer } from "node:http";

/** An application's own server: it delivers a page with its scripts, under a strict policy, and keeps what the policy stopped. */
export class Site {
  /** The violations that browsers reported, as JSON. @type {string[]} */
  violations = [];

  /**
   * @param {string} page the name of its first script, without `.js`
   * @param {ReadonlyMap<string, Uint8Array>} scripts by name
   * @param {readonly string[]} servers the origins that the page may ask
   */
  constructor(page, scripts, servers) {
    const policy = `default-src 'self'; connect-src ${servers.join(" ")}; report-uri /violations`;
    const html = `<!doctype html><title>${page}</title><script type="module" src="/${page}.js"></script>`;
    this.server = createServer(async (request, response) => {
      const name = (request.url ?? "/").slice(1);
      if (name === "violations") {
        this.violations.push(Buffer.concat(await request.toArray()).toString());
        response.writeHead(204).end();
      } else if (name === "") {
        response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy }).end(html);
      } else {
        const script = scripts.get(name);
        response.writeHead(script ? 200 : 404, { "content-type": "text/javascript" }).end(script);
      }
    });
  }

  /** @returns {Promise<string>} its origin */
  async start() {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const address = this.server.address();
    return typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
  }

  async stop() {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
