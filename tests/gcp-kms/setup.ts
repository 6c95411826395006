import { KeyManagementServiceClient } from "@google-cloud/kms";
import { afterAll } from "@jest/globals";
import { OAuth2Client } from "google-auth-library";
import { grpc } from "google-gax";
import type { GcpKmsClientOptions, GcpKmsKeyOptions, GcpKmsSignerOptions } from "../../src/gcp-kms/index.ts";
import { GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import { GcpKmsServer } from "../servers/gcp-kms/server.ts";

// There is no metadata server here, which Google's clients would look for.
process.env["METADATA_SERVER_DETECTION"] = "none";

export const TOKEN = "ya29.an-access-token-that-no-log-may-show";
export const PRIVATE_KEY = "0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
export const LOCATION = "projects/acme/locations/europe-west1";
export const RING = `${LOCATION}/keyRings/eth`;
export const KEY = `${RING}/cryptoKeys/treasury`;
export const VERSION = `${KEY}/cryptoKeyVersions/1`;

/** Google's own client of an access token. */
export function tokenAuth(token = TOKEN): OAuth2Client {
  const auth = new OAuth2Client();
  auth.setCredentials({ access_token: token });
  return auth;
}

/** A server that knows the token and holds {@link PRIVATE_KEY} as {@link VERSION}. */
export async function startServer(options: { readonly grpc?: boolean } = {}): Promise<GcpKmsServer> {
  const server = await startEmptyServer(options);
  server.rings.add(KEY, { privateKey: PRIVATE_KEY });
  return server;
}

/** A server that knows the token and holds an empty key ring, {@link RING}. */
export async function startEmptyServer(options: { readonly grpc?: boolean } = {}): Promise<GcpKmsServer> {
  const server = await GcpKmsServer.start(options);
  server.tokens.add(TOKEN);
  server.rings.addRing(RING);
  return server;
}

/** The ways to the server: `fetch`, and the unmodified client of Google over gRPC and over REST. */
export const TRANSPORTS = ["fetch", "gRPC client", "REST client"] as const;
export type Transport = (typeof TRANSPORTS)[number];

const clients = new Map<string, KeyManagementServiceClient>();

afterAll(async () => {
  for (const client of clients.values()) await client.close();
});

/** Options for a server that was started with gRPC, if `transport` needs it. One client serves all of a file's tests. */
export function wayTo(server: GcpKmsServer, transport: Transport = "fetch"): GcpKmsClientOptions {
  if (transport === "fetch") return { auth: tokenAuth(), endpoint: server.url };
  const client = clients.get(server.url + transport) ?? vendorClient(server, transport);
  clients.set(server.url + transport, client);
  return { client };
}

function vendorClient(server: GcpKmsServer, transport: Exclude<Transport, "fetch">): KeyManagementServiceClient {
  const apiEndpoint = "127.0.0.1";
  const options =
    transport === "gRPC client"
      ? { apiEndpoint, port: server.grpcPort, sslCreds: grpc.credentials.createInsecure() }
      : {
          apiEndpoint,
          port: Number(new URL(server.url).port),
          protocol: "http",
          fallback: true,
          authClient: tokenAuth(),
        };
  return new KeyManagementServiceClient(options as ConstructorParameters<typeof KeyManagementServiceClient>[0]);
}

export function optionsFor(server: GcpKmsServer, others: Partial<GcpKmsKeyOptions> = {}): GcpKmsKeyOptions {
  const way = others.client ? {} : wayTo(server);
  return { ...way, keyVersion: VERSION, ...others };
}

export function signerFor(server: GcpKmsServer, others: Partial<GcpKmsSignerOptions> = {}): GcpKmsSigner {
  return new GcpKmsSigner({ ...optionsFor(server, others), ...others });
}
