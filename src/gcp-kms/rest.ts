import { readBody } from "../backend/response-body.ts";
import { SignerError } from "../core/errors.ts";
import { credentialError } from "./credential-errors.ts";
import { type RequestContext, responseError, transportError } from "./errors.ts";
import type { CheckedClientOptions, GcpKmsCredential } from "./options.ts";
import type { Message } from "./response.ts";

/** How a request is sent: the field that names the resource, what follows it in the path, and the field that is the body. */
interface Rule {
  readonly verb: "GET" | "POST";
  readonly resource: "name" | "parent" | "resource";
  readonly suffix?: string;
  /** `"*"`: all other fields. Without it they are the query. */
  readonly body?: string;
}

/** The requests that are sent. https://cloud.google.com/kms/docs/reference/rest/v1 */
const RULES = {
  getPublicKey: { verb: "GET", resource: "name", suffix: "/publicKey" },
  asymmetricSign: { verb: "POST", resource: "name", suffix: ":asymmetricSign", body: "*" },
  getCryptoKeyVersion: { verb: "GET", resource: "name" },
  listKeyRings: { verb: "GET", resource: "parent", suffix: "/keyRings" },
  listCryptoKeys: { verb: "GET", resource: "parent", suffix: "/cryptoKeys" },
  listCryptoKeyVersions: { verb: "GET", resource: "parent", suffix: "/cryptoKeyVersions" },
  createCryptoKey: { verb: "POST", resource: "parent", suffix: "/cryptoKeys", body: "cryptoKey" },
  createImportJob: { verb: "POST", resource: "parent", suffix: "/importJobs", body: "importJob" },
  getImportJob: { verb: "GET", resource: "name" },
  importCryptoKeyVersion: { verb: "POST", resource: "parent", suffix: "/cryptoKeyVersions:import", body: "*" },
  testIamPermissions: { verb: "POST", resource: "resource", suffix: ":testIamPermissions", body: "*" },
} as const satisfies Record<string, Rule>;

export type Rpc = keyof typeof RULES;

/** The audience of tokens that a service account signs itself: the service's own name, whatever the endpoint. */
export const AUDIENCE = "https://cloudkms.googleapis.com/";

/** REST v1 by `fetch`: one request, without retries. */
export class RestTransport {
  readonly #options: CheckedClientOptions;
  #auth: Promise<GcpKmsCredential> | undefined;

  constructor(options: CheckedClientOptions) {
    this.#options = options;
  }

  /**
   * @param onAuthorized called once the credentials are there, before Cloud KMS is asked.
   * @throws SignerError; the signal's reason.
   */
  async send(
    rpc: Rpc,
    request: Message,
    context: RequestContext,
    signal: AbortSignal,
    onAuthorized: () => void,
  ): Promise<Message> {
    const headers = await this.#headers(context);
    onAuthorized();
    signal.throwIfAborted();
    const { verb, resource, suffix = "", body }: Rule = RULES[rpc];
    const { [resource]: name, ...fields } = request;
    const url = new URL(`/v1/${String(name)}${suffix}`, this.#options.endpoint);
    for (const [field, value] of body === "*" ? [] : Object.entries(fields)) {
      if (field !== body && value !== undefined) url.searchParams.set(field, String(value));
    }
    const content = body === undefined ? undefined : JSON.stringify(body === "*" ? fields : fields[body]);
    if (content !== undefined) headers.set("content-type", "application/json");
    const { endpoint, fetch: own = fetch } = this.#options;
    let status = 0;
    let bytes: Uint8Array | undefined;
    let retryAfter: string | null = null;
    try {
      // A redirect would be followed with the credentials.
      const response = await own(url, { method: verb, headers, body: content ?? null, signal, redirect: "manual" });
      status = response.status;
      retryAfter = response.headers.get("retry-after");
      bytes = await readBody(response.body, response.headers.get("content-length") ?? undefined);
    } catch (error) {
      signal.throwIfAborted();
      throw transportError(error, endpoint, context);
    }
    const message = parseMessage(bytes);
    if (status === 200 && message) return message;
    throw responseError({ status, message, retryAfter }, context);
  }

  async #headers(context: RequestContext): Promise<Headers> {
    this.#auth ??= this.#options.auth ? Promise.resolve(this.#options.auth) : loadCredential(context.resource);
    try {
      const auth = await this.#auth;
      const headers = new Headers((await auth.getRequestHeaders(AUDIENCE)) as Record<string, string>);
      if (headers.has("authorization")) return headers;
    } catch (error) {
      this.#auth = undefined;
      throw credentialError(error, context);
    }
    throw credentialError(new Error("getRequestHeaders returned no authorization"), context);
  }
}

/**
 * Application Default Credentials.
 *
 * @param resource a full name in Cloud KMS.
 * @throws SignerError DEPENDENCY_MISSING.
 */
export async function loadCredential(resource: string) {
  let library: typeof import("google-auth-library");
  try {
    library = await import("google-auth-library");
  } catch (cause) {
    throw new SignerError(
      "DEPENDENCY_MISSING",
      "the package google-auth-library cannot be loaded: run npm install google-auth-library, or pass auth or client",
      { operation: "load", cause },
    );
  }
  const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
  // Without a project the library would run gcloud, or ask the metadata server, for one that nothing here needs.
  const auth = new library.GoogleAuth({ scopes, projectId: resource.split("/")[1] ?? "" });
  // A service account's token is signed here, as Google's own clients do, instead of being fetched.
  auth.useJWTAccessWithScope = true;
  return auth;
}

function parseMessage(bytes: Uint8Array | undefined): Message | undefined {
  try {
    const parsed: unknown = JSON.parse(textOf(bytes));
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Message) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
