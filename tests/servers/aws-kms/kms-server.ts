import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { FaultPlan } from "../support/fault-plan.ts";
import {
  type HttpReply,
  type HttpRequest,
  LoopbackServer,
  type LoopbackServerOptions,
  type Outcome,
  type Stream,
} from "../support/loopback-server.ts";
import { Secp256k1Key, type SignatureShape, spkiOf } from "../support/secp256k1-key.ts";
import { accessDenied, KmsException } from "./exceptions.ts";
import { createAlias, createKey } from "./key-creation.ts";
import { getParametersForImport, importKeyMaterial } from "./key-import.ts";
import { KeyRing } from "./key-ring.ts";
import {
  base64,
  describeKey,
  getPublicKey,
  type Json,
  listAliases,
  listKeys,
  listResourceTags,
  sign,
} from "./operations.ts";
import { type Caller, requireSignature } from "./signature-v4.ts";

/** What the server can be told to do wrong, or to do in a rare but right way. */
export type KmsFault =
  /** An error of KMS, by its name. */
  | { readonly kind: "exception"; readonly name: string; readonly message?: string; readonly status?: number }
  /** Too many requests, with or without saying when to come back. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number }
  /** Some other HTTP answer: a gateway's page, for example. */
  | { readonly kind: "reply"; readonly reply: HttpReply }
  /** An answer that is written by the test itself. */
  | { readonly kind: "stream"; readonly stream: Stream }
  | { readonly kind: "reset" }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  | { readonly kind: "slow"; readonly ms: number }
  /** A valid signature of that shape. */
  | { readonly kind: "shape"; readonly shape: SignatureShape }
  /** The work of another key under the right KeyId. */
  | { readonly kind: "wrong key" }
  /** The honest answer, changed. */
  | { readonly kind: "alter"; readonly alter: (answer: Json) => Json };

export interface KmsServerOptions {
  /** Default: eu-west-1. */
  readonly region?: string | undefined;
  readonly seed?: number | undefined;
  /** How long each request takes, so that requests overlap. Default: no time. */
  readonly latencyMs?: number | undefined;
  /** Default: any free port. */
  readonly port?: number | undefined;
  /** PEM; with it the server speaks HTTPS. */
  readonly tls?: LoopbackServerOptions["tls"];
}

const OPERATIONS: Readonly<Record<string, (ring: KeyRing, input: Json, shape?: SignatureShape) => Json>> = {
  GetPublicKey: getPublicKey,
  Sign: sign,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  ListAliases: listAliases,
  ListResourceTags: listResourceTags,
  CreateKey: createKey,
  CreateAlias: createAlias,
  GetParametersForImport: getParametersForImport,
  ImportKeyMaterial: importKeyMaterial,
};

const ACCOUNT = "111122223333";
// As the service answers every origin.
const CORS = { methods: "POST", exposed: "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date" };
const OTHER_KEY = new Secp256k1Key("5a".repeat(32));

/** AWS KMS on loopback, for the operations in use: AWS JSON 1.1 as the unmodified SDK speaks it, and real keys. */
export class KmsServer {
  readonly region: string;
  readonly ring: KeyRing;
  readonly faults: FaultPlan<KmsFault>;
  /** Every request, in order. */
  readonly requests: { readonly operation: string; readonly input: Json; readonly headers: IncomingHttpHeaders }[] = [];
  /** The most requests that were under way at once. */
  maxInFlight = 0;
  readonly #latencyMs: number;
  readonly #answered = new Map<string, number>();
  #inFlight = 0;
  #server: LoopbackServer | undefined;

  private constructor({ region = "eu-west-1", seed, latencyMs = 0 }: KmsServerOptions) {
    this.region = region;
    this.#latencyMs = latencyMs;
    this.ring = new KeyRing(region, ACCOUNT);
    this.faults = new FaultPlan(seed);
  }

  static async start(options: KmsServerOptions = {}): Promise<KmsServer> {
    const server = new KmsServer(options);
    const { port, tls } = options;
    server.#server = await LoopbackServer.start((request) => server.#receive(request), { port, cors: CORS, tls });
    return server;
  }

  get url(): string {
    return this.#http.url;
  }

  get openConnections(): number {
    return this.#http.openConnections;
  }

  /** Every connection since the start. */
  get connections(): number {
    return this.#http.connections;
  }

  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** As count, but only those that did what they are for. */
  answered(operation: string): number {
    return this.#answered.get(operation) ?? 0;
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  get #http(): LoopbackServer {
    if (!this.#server) throw new Error("not started");
    return this.#server;
  }

  async #receive(request: HttpRequest): Promise<Outcome> {
    this.maxInFlight = Math.max(this.maxInFlight, ++this.#inFlight);
    try {
      if (this.#latencyMs > 0) await delay(this.#latencyMs);
      return await this.#answer(request);
    } finally {
      this.#inFlight--;
    }
  }

  async #answer(request: HttpRequest): Promise<Outcome> {
    const target = /^TrentService\.(\w+)$/.exec(String(request.headers["x-amz-target"]));
    const operation = target?.[1] ?? "";
    const input = JSON.parse(request.body) as Json;
    this.requests.push({ operation, input, headers: request.headers });
    const fault = this.faults.take(operation);
    if (fault?.kind === "reply") return fault.reply;
    if (fault?.kind === "stream") return fault.stream;
    if (fault?.kind === "hang" || fault?.kind === "reset") return fault.kind;
    if (fault?.kind === "slow") await delay(fault.ms);
    try {
      const caller = requireSignature(request, this.region);
      return reply(200, this.#execute(operation, input, caller, fault));
    } catch (error) {
      if (!(error instanceof KmsException)) throw error;
      const headers = fault?.kind === "throttle" ? retryAfter(fault.retryAfterSeconds) : {};
      return reply(error.status, { __type: error.name, message: error.message }, headers);
    }
  }

  #execute(operation: string, input: Json, caller: Caller, fault: KmsFault | undefined): Json {
    if (fault?.kind === "exception") throw new KmsException(fault.name, fault.message ?? "", fault.status);
    if (fault?.kind === "throttle") {
      throw new KmsException("ThrottlingException", "You have exceeded the rate at which you may call KMS.");
    }
    const execute = OPERATIONS[operation];
    if (!execute) throw new KmsException("UnknownOperationException", "");
    this.#requireGrant(operation, input, caller);
    const answer = execute(this.ring, input, fault?.kind === "shape" ? fault.shape : {});
    this.#answered.set(operation, this.answered(operation) + 1);
    if (fault?.kind === "wrong key") return { ...answer, ...byOtherKey(operation, input) };
    return fault?.kind === "alter" ? fault.alter(answer) : answer;
  }

  #requireGrant(operation: string, input: Json, { identity }: Caller): void {
    if (typeof input["KeyId"] !== "string") return;
    const { arn, grantToken } = this.ring.find(input["KeyId"]);
    const tokens = (input["GrantTokens"] ?? []) as readonly string[];
    if (grantToken === undefined || tokens.includes(grantToken)) return;
    const action = `kms:${operation}`;
    throw accessDenied(identity, action, arn, `no identity-based policy allows the ${action} action`);
  }
}

function byOtherKey(operation: string, input: Json): Json {
  if (operation === "GetPublicKey") return { PublicKey: base64(spkiOf(OTHER_KEY)) };
  return { Signature: base64(OTHER_KEY.signDer(Buffer.from(String(input["Message"]), "base64"))) };
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { "retry-after": String(seconds) };
}

function reply(status: number, body: Json, headers: Readonly<Record<string, string>> = {}): HttpReply {
  const own = { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() };
  return { status, headers: { ...own, ...headers }, body: JSON.stringify(body) };
}
