import { LoopbackServer } from "../../servers/support/loopback-server.ts";

const SECRET = "header-of-the-app";

/**
 * The endpoint from which an app of Azure App Service or Azure Functions has the tokens of its managed identity.
 *
 * Source: https://learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
 */
export class ManagedIdentity {
  /** What tokens were asked for. */
  readonly resources: (string | null)[] = [];
  readonly #server: LoopbackServer;

  private constructor(server: LoopbackServer) {
    this.#server = server;
  }

  /** @param token what it answers. */
  static async start(token: string): Promise<ManagedIdentity> {
    const server = await LoopbackServer.start(async ({ url, headers }) => {
      if (headers["x-identity-header"] !== SECRET) return { status: 401 };
      const resource = url.searchParams.get("resource");
      identity.resources.push(resource);
      const expires = `${Math.floor(Date.now() / 1000) + 3600}`;
      const body = JSON.stringify({ access_token: token, expires_on: expires, resource, token_type: "Bearer" });
      return { status: 200, headers: { "content-type": "application/json" }, body };
    });
    const identity = new ManagedIdentity(server);
    return identity;
  }

  /** What the platform sets for the app. */
  get env(): Readonly<Record<string, string>> {
    return { IDENTITY_ENDPOINT: `${this.#server.url}/msi/token`, IDENTITY_HEADER: SECRET };
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}
