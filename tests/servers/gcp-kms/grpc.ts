import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { grpc, protobuf } from "google-gax";
import { withNames } from "./enums.ts";
import { type GcpKmsFault, statusOf } from "./faults.ts";
import { type Json, RPCS, type Rpc } from "./operations.ts";
import type { GcpKmsServer } from "./server.ts";
import { STATUSES, StatusError } from "./status.ts";

const require = createRequire(import.meta.url);
const SERVICES = [
  ["google.cloud.kms.v1.KeyManagementService", "@google-cloud/kms/build/protos/protos.json"],
  ["google.iam.v1.IAMPolicy", join(dirname(require.resolve("google-gax")), "../protos/iam_service.json")],
] as const;

type Callback = (error: Partial<grpc.StatusObject> | null, response?: Json) => void;

/** The gRPC end of the server, without TLS, by Google's own description of the service. */
export class GrpcFrontEnd {
  readonly port: number;
  readonly #server: grpc.Server;

  static async start(backend: GcpKmsServer): Promise<GrpcFrontEnd> {
    const server = new grpc.Server();
    for (const [service, file] of SERVICES)
      server.addService(...implement(backend, service, require(file) as protobuf.INamespace));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    return new GrpcFrontEnd(server, port);
  }

  private constructor(server: grpc.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** The operations that the server has, of one service. */
function implement(backend: GcpKmsServer, service: string, description: protobuf.INamespace) {
  const root = protobuf.Root.fromJSON(description);
  const { methods } = root.lookupService(service);
  const definition: Record<string, grpc.MethodDefinition<Json, Json>> = {};
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const rpc of Object.keys(RPCS) as Rpc[]) {
    const method = methods[rpc.charAt(0).toUpperCase() + rpc.slice(1)];
    if (!method) continue;
    method.resolve();
    const { resolvedRequestType: request, resolvedResponseType: response } = method;
    if (!request || !response) throw new Error(`${rpc} is not described`);
    definition[rpc] = {
      path: `/${service}/${method.name}`,
      ...{ requestStream: false, responseStream: false },
      ...{ requestSerialize: () => Buffer.alloc(0), responseDeserialize: () => ({}) },
      requestDeserialize: (bytes) => jsonOf(request, bytes),
      responseSerialize: (json) => Buffer.from(response.encode(response.fromObject(messageOf(json))).finish()),
    };
    handlers[rpc] = (call: grpc.ServerUnaryCall<Json, Json>, callback: Callback) => {
      void answer(backend, rpc, call, callback);
    };
  }
  return [definition, handlers] as const;
}

async function answer(
  backend: GcpKmsServer,
  rpc: Rpc,
  call: grpc.ServerUnaryCall<Json, Json>,
  callback: Callback,
): Promise<void> {
  const request = withNames(call.request);
  backend.log.push({ rpc, request, headers: call.metadata.getMap() });
  const fault = backend.faults.take(rpc);
  if (fault === "hang") return;
  await backend.counted(async () => {
    try {
      await strike(fault);
      callback(null, await backend.perform(rpc, request, fault));
    } catch (error) {
      const { status, message } = error instanceof StatusError ? error : new StatusError("UNKNOWN", String(error));
      callback({ code: STATUSES[status].number, details: message });
    }
  });
}

async function strike(fault: GcpKmsFault | undefined): Promise<void> {
  // What a client makes of a connection that was reset.
  if (fault === "reset") throw new StatusError("UNAVAILABLE", "read ECONNRESET");
  if (typeof fault !== "object") return;
  if (fault.kind === "throttle" || fault.kind === "error") throw statusOf(fault);
  if (fault.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.ms));
}

function jsonOf(type: protobuf.Type, bytes: Uint8Array): Json {
  const options = { longs: String, enums: String, bytes: String, defaults: false };
  return flat(type.toObject(type.decode(bytes), options)) as Json;
}

/** Wrappers and durations as proto3's JSON has them. */
function flat(value: unknown, field = ""): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => flat(each));
  if (field.endsWith("Crc32c")) return String((value as Json)["value"] ?? "0");
  if (field.endsWith("Duration")) return `${(value as Json)["seconds"] ?? "0"}s`;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, flat(each, name)]));
}

/** The inverse of {@link flat}. */
function messageOf(value: unknown, field = ""): Json {
  if (typeof value !== "object" || value === null) {
    if (field.endsWith("Crc32c") && typeof value === "string") return { value };
    if (field.endsWith("Duration")) return { seconds: Number.parseInt(String(value), 10) };
    if (field.endsWith("Time")) return { seconds: Math.floor(Date.parse(String(value)) / 1000) };
    return value as Json;
  }
  if (Array.isArray(value)) return value.map((each: unknown) => messageOf(each)) as unknown as Json;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, messageOf(each, name)]));
}
