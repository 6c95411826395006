import { FaultPlan } from "../support/fault-plan.ts";
import {
  type HttpRequest,
  LoopbackServer,
  type LoopbackServerOptions,
  type Outcome,
} from "../support/loopback-server.ts";
import { withNames, withNumbers } from "./enums.ts";
import { changeOf, faultOutcome, type GcpKmsFault, statusReply } from "./faults.ts";
import { GrpcFrontEnd } from "./grpc.ts";
import { KeyRings } from "./keys.ts";
import { type Call, type Json, type PageHabits, RPCS, type Rpc } from "./operations.ts";
import { routeOf } from "./routes.ts";
import { StatusError } from "./status.ts";

export interface LoggedRequest {
  /** `unauthenticated` for a request without a valid token. */
  readonly rpc: Rpc | "unauthenticated" | "unknown";
  readonly request: Json;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Every permission that signers, stores and the doctor may need. */
const ALL_PERMISSIONS = [
  ...["viewPublicKey", "useToSign", "get", "list", "create"].map((each) => `cloudkms.cryptoKeyVersions.${each}`),
  ...["get", "list", "create"].map((each) => `cloudkms.cryptoKeys.${each}`),
  ...["get", "list"].map((each) => `cloudkms.keyRings.${each}`),
  ...["get", "create", "useToImport"].map((each) => `cloudkms.importJobs.${each}`),
];

/**
 * Google Cloud KMS, as far as signers use it, on free ports of 127.0.0.1: REST v1, and gRPC where it is started with it. Real keys,
 * random nonces, low s, checksums both ways, asynchronous generation, and faults on demand.
 */
export class GcpKmsServer {
  readonly rings = new KeyRings();
  /** By operation: those of the log. */
  readonly faults = new FaultPlan<GcpKmsFault>();
  readonly log: LoggedRequest[] = [];
  /** The bearer tokens that count. gRPC without TLS sends none, and needs none. */
  readonly tokens = new Set<string>();
  readonly permissions = new Set<string>(ALL_PERMISSIONS);
  readonly pages: PageHabits = { limit: 1_000, empty: false };
  /** The most requests that were under way at the same time. */
  maxInFlight = 0;
  #inFlight = 0;
  #rest: LoopbackServer | undefined;
  #grpc: GrpcFrontEnd | undefined;

  static async start(options: LoopbackServerOptions & { readonly grpc?: boolean } = {}): Promise<GcpKmsServer> {
    const { grpc = false, ...rest } = options;
    const created = new GcpKmsServer();
    created.#rest = await LoopbackServer.start((request) => created.#handle(request), rest);
    if (grpc) created.#grpc = await GrpcFrontEnd.start(created);
    return created;
  }

  get url(): string {
    return this.#running.url;
  }

  /** undefined unless it was started with gRPC. */
  get grpcPort(): number | undefined {
    return this.#grpc?.port;
  }

  get openConnections(): number {
    return this.#running.openConnections;
  }

  get connections(): number {
    return this.#running.connections;
  }

  /** How many requests of this operation came; of all, without one. */
  count(rpc?: LoggedRequest["rpc"]): number {
    return this.log.filter((each) => rpc === undefined || each.rpc === rpc).length;
  }

  /** Runs an operation on a request whose enums may be names or numbers. @throws StatusError */
  async perform(rpc: Rpc, request: Json, fault: GcpKmsFault | undefined): Promise<Json> {
    const { rings, permissions, pages } = this;
    const { sign, fields } = changeOf(fault);
    const call: Call = { rings, permissions, pages, change: sign };
    return { ...RPCS[rpc](call, withNames(request)), ...fields };
  }

  async counted<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.#inFlight);
    try {
      return await work();
    } finally {
      this.#inFlight--;
    }
  }

  async close(): Promise<void> {
    this.#grpc?.close();
    await this.#running.close();
  }

  get #running(): LoopbackServer {
    if (!this.#rest) throw new Error("not started");
    return this.#rest;
  }

  #handle(http: HttpRequest): Promise<Outcome> {
    return this.counted(async () => {
      const { rpc, request } = routeOf(http);
      const { headers } = http;
      const isKnown = this.tokens.has(headers.authorization?.replace(/^Bearer /, "") ?? "");
      const operation = isKnown ? rpc : "unauthenticated";
      this.log.push({ rpc: operation, request, headers });
      const fault = this.faults.take(operation);
      try {
        const outcome = await faultOutcome(fault);
        if (outcome !== undefined) return outcome;
        if (!isKnown) throw unauthenticated();
        if (rpc === "unknown") throw new StatusError("NOT_FOUND", "Method not found.");
        const response = await this.perform(rpc, request, fault);
        const asNumbers = /enum-encoding=int/.test(http.url.searchParams.get("$alt") ?? "");
        const body = JSON.stringify(asNumbers ? withNumbers(response) : response);
        return { status: 200, headers: { "content-type": "application/json; charset=UTF-8" }, body };
      } catch (error) {
        if (error instanceof StatusError) return statusReply(error);
        throw error;
      }
    });
  }
}

function unauthenticated(): StatusError {
  return new StatusError("UNAUTHENTICATED", "Request had invalid authentication credentials.", {
    reason: "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    metadata: { service: "cloudkms.googleapis.com" },
  });
}
