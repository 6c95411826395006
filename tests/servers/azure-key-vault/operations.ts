import type { HttpReply, HttpRequest } from "../support/loopback-server.ts";
import type { SignFault } from "./faults.ts";
import type { KeyVersion } from "./key-version.ts";
import { badParameter, errorReply, jsonReply } from "./replies.ts";
import type { Vault } from "./vault.ts";

export type Operation =
  | "getKey"
  | "getRotationPolicy"
  | "listKeys"
  | "listKeyVersions"
  | "sign"
  | "createKey"
  | "importKey"
  | "attestKey"
  | "unknown";

/** What a request asks for. `version` is empty where the request names none. */
export interface Route {
  readonly operation: Operation;
  readonly name: string;
  readonly version: string;
}

/** Reads the method and the path: GET /keys, /keys/N/versions, /keys/N/[V]; POST /keys/N/create, /keys/N/V/sign; PUT /keys/N. */
export function routeOf({ method, url }: HttpRequest): Route {
  const [collection, name = "", version = "", action, ...others] = url.pathname.split("/").slice(1);
  const route = (operation: Operation): Route => ({ operation, name, version });
  if (collection !== "keys" || others.length > 0) return route("unknown");
  if (method === "POST" && version === "create" && action === undefined) return route("createKey");
  if (method === "POST") return route(action === "sign" ? "sign" : "unknown");
  if (method === "PUT" && name !== "" && version === "") return route("importKey");
  if (method === "GET" && action === "attestation") return route("attestKey");
  if (method !== "GET" || action !== undefined) return route("unknown");
  if (name === "") return route("listKeys");
  if (version === "rotationpolicy") return route("getRotationPolicy");
  return version === "versions" ? route("listKeyVersions") : route("getKey");
}

/** Answers GET of a key. A disabled one is refused already here, as the service does. */
export function getKey(vault: Vault, origin: string, { name, version }: Route): HttpReply {
  const key = vault.find(name, version);
  if (!key) return keyNotFound(name);
  if (!key.enabled) return keyDisabled("get");
  return jsonReply(200, key.bundle(kidOf(origin, name, key)));
}

/** Answers GET …/attestation, which a Managed HSM has. A vault does not know it. */
export function attestKey(vault: Vault, origin: string, { name, version }: Route): HttpReply {
  const key = vault.find(name, version);
  if (!key) return keyNotFound(name);
  const { attestation } = key;
  if (!attestation) return badParameter("The operation is not supported.");
  const { key: jwk, attributes } = key.bundle(kidOf(origin, name, key));
  return jsonReply(200, { key: jwk, attributes: { ...(attributes as object), attestation } });
}

/** Answers POST …/sign. */
export function sign(
  vault: Vault,
  origin: string,
  { name, version }: Route,
  body: string,
  fault: SignFault | undefined,
): HttpReply {
  const key = vault.find(name, version);
  if (!key) return keyNotFound(name);
  const refusal = refuseToSign(key);
  if (refusal) return refusal;
  const { alg, value } = parse(body);
  if (typeof alg !== "string" || typeof value !== "string") return badParameter("Property alg or value is missing.");
  if (alg !== key.algorithm) return badParameter(`Key and signing algorithm are incompatible: ${key.curve}, ${alg}.`);
  const digest = Buffer.from(value, "base64url");
  if (digest.length !== 32) return badParameter(`Invalid length of 'value': ${digest.length} bytes.`);
  if (fault?.kind === "value") return jsonReply(200, { kid: kidOf(origin, name, key), value: fault.value });
  const { by = key, kid = kidOf(origin, name, key), shape = {} } = fault ?? {};
  return jsonReply(200, { kid, value: Buffer.from(by.sign(digest, shape)).toString("base64url") });
}

/** One page of the newest version of every key, or of one key's versions. Items have neither kty nor x and y. */
export function list(vault: Vault, origin: string, route: Route, url: URL): HttpReply {
  const item = (kid: string, key?: KeyVersion) => ({ kid, attributes: key?.attributes(), tags: key?.tags });
  const all =
    route.operation === "listKeys"
      ? vault.names.map((name) => item(`${origin}/keys/${name}`, vault.find(name, "")))
      : vault.versions(route.name).map((each) => item(kidOf(origin, route.name, each), each));
  const start = Number(url.searchParams.get("$skiptoken") ?? 0);
  const size = Number(url.searchParams.get("maxresults") ?? 25);
  const next = new URL(url);
  next.searchParams.set("$skiptoken", `${start + size}`);
  const nextLink = start + size < all.length ? `${origin}${next.pathname}${next.search}` : null;
  return jsonReply(200, { value: all.slice(start, start + size), nextLink });
}

export function kidOf(origin: string, name: string, { version }: KeyVersion): string {
  return `${origin}/keys/${name}/${version}`;
}

function refuseToSign(key: KeyVersion): HttpReply | undefined {
  const now = Date.now() / 1000;
  if (!key.enabled) return keyDisabled("sign");
  if (key.nbf !== undefined && now < key.nbf) return outsideValidity("KeyNotYetValid", "not yet valid");
  if (key.exp !== undefined && now > key.exp) return outsideValidity("KeyExpired", "expired");
  if (key.keyOps.includes("sign")) return undefined;
  return errorReply({
    status: 403,
    code: "Forbidden",
    innerCode: "KeyOperationForbidden",
    message: "Operation sign is not permitted on this key.",
  });
}

function outsideValidity(innerCode: string, state: string): HttpReply {
  const message = `Operation sign is not allowed on a key that is ${state}.`;
  return errorReply({ status: 403, code: "Forbidden", innerCode, message });
}

function keyDisabled(operation: string): HttpReply {
  return errorReply({
    status: 403,
    code: "Forbidden",
    innerCode: "KeyDisabled",
    message: `Operation ${operation} is not allowed on a disabled key.`,
  });
}

function keyNotFound(name: string): HttpReply {
  return errorReply({
    status: 404,
    code: "KeyNotFound",
    message:
      `A key with (name/id) ${name} was not found in this key vault. If you recently deleted this key you may be able ` +
      "to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
  });
}

function parse(body: string): { alg?: unknown; value?: unknown } {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
