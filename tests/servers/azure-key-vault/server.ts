import { FaultPlan } from "../support/fault-plan.ts";
import {
  type HttpRequest,
  LoopbackServer,
  type LoopbackServerOptions,
  type Outcome,
} from "../support/loopback-server.ts";
import { createKey, importKey } from "./creations.ts";
import { faultOutcome, type KeyVaultFault, signFault } from "./faults.ts";
import { attestKey, getKey, kidOf, list, type Operation, routeOf, sign } from "./operations.ts";
import { badParameter, challengeReply, errorReply } from "./replies.ts";
import { Vault } from "./vault.ts";

export interface LoggedRequest {
  /** `challenge` for a request without a valid token. */
  readonly operation: Operation | "challenge";
  readonly method: string;
  readonly path: string;
  /** Bytes. */
  readonly bodyLength: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

const TENANT = "11111111-2222-4333-8444-555555555555";

/**
 * Azure Key Vault's REST protocol, as far as signers use it, on a free port of 127.0.0.1: real keys, random nonces, s as it
 * comes, the challenge of requests without a token, and faults on demand.
 */
export class KeyVaultServer {
  readonly vault = new Vault();
  /** By operation: those of the log. A fault without one strikes the challenge as well. */
  readonly faults = new FaultPlan<KeyVaultFault>();
  readonly log: LoggedRequest[] = [];
  /** The bearer tokens that count. */
  readonly tokens = new Set<string>();
  /** What the challenge asks a token for. */
  resource = "https://vault.azure.net";
  /** The most requests that were under way at the same time. */
  maxInFlight = 0;
  #inFlight = 0;
  #server: LoopbackServer | undefined;

  static async start(options: LoopbackServerOptions = {}): Promise<KeyVaultServer> {
    const created = new KeyVaultServer();
    created.#server = await LoopbackServer.start((request) => created.#count(request), options);
    return created;
  }

  get url(): string {
    return this.#running.url;
  }

  get openConnections(): number {
    return this.#running.openConnections;
  }

  /** Every connection since the start. */
  get connections(): number {
    return this.#running.connections;
  }

  /** How many requests of this operation came; of all, without one. */
  count(operation?: LoggedRequest["operation"]): number {
    return this.log.filter((each) => operation === undefined || each.operation === operation).length;
  }

  /** The URL of a version; of the newest, without one. */
  kid(name: string, version = this.vault.find(name, "")): string {
    if (!version) throw new Error(`no key ${name}`);
    return kidOf(this.url, name, version);
  }

  async close(): Promise<void> {
    await this.#running.close();
  }

  get #running(): LoopbackServer {
    if (!this.#server) throw new Error("not started");
    return this.#server;
  }

  async #count(request: HttpRequest): Promise<Outcome> {
    this.#inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.#inFlight);
    try {
      return await this.#handle(request);
    } finally {
      this.#inFlight--;
    }
  }

  async #handle(request: HttpRequest): Promise<Outcome> {
    const { method, url, headers, body } = request;
    const route = routeOf(request);
    const token = headers.authorization?.replace(/^Bearer /, "");
    const authorized = token !== undefined && this.tokens.has(token);
    const operation = authorized ? route.operation : "challenge";
    this.log.push({ operation, method, path: url.pathname, bodyLength: Buffer.byteLength(body), time: Date.now() });

    const fault = this.faults.take(operation);
    const outcome = await faultOutcome(fault);
    if (outcome !== undefined) return outcome;
    if (!authorized) return challengeReply(token !== undefined, TENANT, this.resource);
    if (!url.searchParams.has("api-version")) return badParameter("api-version must be specified");
    if (operation === "getKey") return getKey(this.vault, this.url, route);
    if (operation === "attestKey") return attestKey(this.vault, this.url, route);
    if (operation === "sign") return sign(this.vault, this.url, route, body, signFault(fault));
    if (operation === "createKey") return createKey(this.vault, this.url, route, body);
    if (operation === "importKey") return importKey(this.vault, this.url, route, body);
    // No key has a policy: a test answers with one.
    if (operation === "unknown" || operation === "getRotationPolicy")
      return errorReply({ status: 404, code: "NotFound", message: "No such operation here." });
    return list(this.vault, this.url, route, url);
  }
}
