import type { HttpRequest } from "../support/loopback-server.ts";
import type { Json, Rpc } from "./operations.ts";

interface Route {
  readonly rpc: Rpc | "unknown";
  readonly request: Json;
}

const COLLECTION = "projects/[^/]+/locations/[^/]+";
const RING = `${COLLECTION}/keyRings/[^/]+`;
const KEY = `${RING}/cryptoKeys/[^/:]+`;
const VERSION = `${KEY}/cryptoKeyVersions/[^/:]+`;

/** Method, path, the field that the path fills, and the field that the body is. */
type Rule = readonly [method: string, path: string, rpc: Rpc, field: string, body?: string];

// The HTTP rules of google/cloud/kms/v1/service.proto.
const RULES: readonly Rule[] = [
  ["GET", `(${VERSION})/publicKey`, "getPublicKey", "name"],
  ["POST", `(${VERSION}):asymmetricSign`, "asymmetricSign", "name", "*"],
  ["GET", `(${VERSION})`, "getCryptoKeyVersion", "name"],
  ["GET", `(${KEY})/cryptoKeyVersions`, "listCryptoKeyVersions", "parent"],
  ["POST", `(${KEY})/cryptoKeyVersions:import`, "importCryptoKeyVersion", "parent", "*"],
  ["POST", `(${KEY})/cryptoKeyVersions`, "createCryptoKeyVersion", "parent", "cryptoKeyVersion"],
  ["GET", `(${KEY})`, "getCryptoKey", "name"],
  ["GET", `(${RING})/cryptoKeys`, "listCryptoKeys", "parent"],
  ["POST", `(${RING})/cryptoKeys`, "createCryptoKey", "parent", "cryptoKey"],
  ["POST", `(${RING})/importJobs`, "createImportJob", "parent", "importJob"],
  ["GET", `(${RING}/importJobs/[^/]+)`, "getImportJob", "name"],
  ["GET", `(${RING})`, "getKeyRing", "name"],
  ["GET", `(${COLLECTION})/keyRings`, "listKeyRings", "parent"],
  ["POST", `(projects/.+):testIamPermissions`, "testIamPermissions", "resource", "*"],
];

/** Reads a request of REST v1. */
export function routeOf({ method, url, body }: HttpRequest): Route {
  const path = decodeURIComponent(url.pathname).replace(/^\/v1\//, "");
  for (const [verb, pattern, rpc, field, bodyField] of RULES) {
    const match = verb === method ? new RegExp(`^${pattern}$`).exec(path) : null;
    if (!match) continue;
    const query = Object.fromEntries([...url.searchParams].filter(([name]) => !name.startsWith("$")));
    const content = bodyField === undefined || bodyField === "*" ? parsed(body) : { [bodyField]: parsed(body) };
    return { rpc, request: { ...query, ...content, [field]: match[1] } };
  }
  return { rpc: "unknown", request: {} };
}

function parsed(body: string): Json {
  try {
    return (JSON.parse(body || "{}") as Json | null) ?? {};
  } catch {
    return {};
  }
}
