import type { KeyClientOptions } from "@azure/keyvault-keys";
import { TOKEN } from "./setup.ts";

type HttpClient = NonNullable<KeyClientOptions["httpClient"]>;
type Request = Parameters<HttpClient["sendRequest"]>[0];

const TENANT = "11111111-2222-4333-8444-555555555555";
export const SECRET = "a-client-secret-that-must-not-show";
export const principal = { tenantId: TENANT, clientId: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", clientSecret: SECRET };

/** Sends what is for `vault` there, and answers as Entra ID to everything else, so that nothing leaves this machine. */
export class Entra implements HttpClient {
  readonly requests: { url: URL; body: string }[] = [];
  /** A text is sent as it is. */
  tokenReply: { status: number; body: object | string } = {
    status: 200,
    body: { token_type: "Bearer", expires_in: 3_600, ext_expires_in: 3_600, access_token: TOKEN },
  };
  /** In place of a response. */
  failure: Error | undefined;
  readonly #vaults: ReadonlyMap<string, string>;

  /** @param vaults the origin of a vault, and where it really is. */
  constructor(vaults: Readonly<Record<string, string>>) {
    this.#vaults = new Map(Object.entries(vaults));
  }

  async sendRequest(request: Request) {
    const url = new URL(request.url);
    const vault = this.#vaults.get(url.origin);
    if (vault !== undefined) return this.#forward(request, new URL(url.pathname + url.search, vault));
    this.requests.push({ url, body: String(request.body ?? "") });
    const isToken = url.pathname.endsWith("/token");
    if (isToken && this.failure) throw this.failure;
    const { status, body } = isToken ? this.tokenReply : { status: 200, body: metadata(url) };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return reply(request, status, { "content-type": "application/json" }, text);
  }

  async #forward(request: Request, url: URL) {
    const { method, headers, body } = request;
    const init = body === undefined || body === null ? {} : { body: String(body) };
    const response = await fetch(url, { method, headers: headers.toJSON(), ...init });
    return reply(request, response.status, Object.fromEntries(response.headers), await response.text());
  }
}

function reply(request: Request, status: number, headers: Record<string, string>, bodyAsText: string) {
  const Headers = request.headers.constructor as new (raw: Record<string, string>) => Request["headers"];
  return { request, status, headers: new Headers(headers), bodyAsText };
}

/** OpenID Connect's discovery document of the tenant. */
function metadata({ origin }: URL) {
  return {
    issuer: `${origin}/${TENANT}/v2.0`,
    authorization_endpoint: `${origin}/${TENANT}/oauth2/v2.0/authorize`,
    token_endpoint: `${origin}/${TENANT}/oauth2/v2.0/token`,
    jwks_uri: `${origin}/${TENANT}/discovery/v2.0/keys`,
  };
}
