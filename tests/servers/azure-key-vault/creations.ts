import type { HttpReply } from "../support/loopback-server.ts";
import { Secp256k1Key } from "../support/secp256k1-key.ts";
import type { KeySettings } from "./key-version.ts";
import { kidOf, type Route } from "./operations.ts";
import { badParameter, errorReply, jsonReply } from "./replies.ts";
import type { Vault } from "./vault.ts";

interface CreateBody {
  readonly kty?: string;
  readonly crv?: string;
  readonly key_ops?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

interface ImportBody {
  readonly key?: CreateBody & { readonly d?: string; readonly x?: string; readonly y?: string };
  readonly Hsm?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Answers POST …/create: a name that exists gets a new version. */
export function createKey(vault: Vault, origin: string, route: Route, body: string): HttpReply {
  const { kty, crv, key_ops, tags } = JSON.parse(body || "{}") as CreateBody;
  if (kty !== "EC" && kty !== "EC-HSM") return badParameter("Property kty is missing or not supported here.");
  if (crv !== "P-256K") return badParameter("Property crv is not supported.");
  return put(vault, origin, route, { kty, keyOps: key_ops, tags });
}

/** Answers PUT of a key: a name that exists gets a new version. */
export function importKey(vault: Vault, origin: string, route: Route, body: string): HttpReply {
  const { key = {}, Hsm = false, tags } = JSON.parse(body || "{}") as ImportBody;
  const { kty, crv, key_ops, d = "", x, y } = key;
  if (kty !== "EC" && kty !== "EC-HSM") return badParameter("Property kty is missing or not supported here.");
  if (Hsm !== (kty === "EC-HSM")) return badParameter("Property Hsm contradicts kty.");
  if (crv !== "P-256K") return badParameter(`Property crv is not supported: ${crv}.`);
  const privateKey = Buffer.from(d, "base64url");
  if (privateKey.length !== 32) return badParameter("Property d has an invalid length.");
  const material = new Secp256k1Key(privateKey.toString("hex"));
  const own = [material.x, material.y].map((bytes) => Buffer.from(bytes).toString("base64url"));
  if (own[0] !== x || own[1] !== y) return badParameter("Properties x and y are not those of d.");
  return put(vault, origin, route, { kty, keyOps: key_ops, tags, privateKey: privateKey.toString("hex") });
}

function put(vault: Vault, origin: string, { name }: Route, settings: KeySettings): HttpReply {
  if (vault.isDeleted(name)) return nameBlocked(name);
  const version = vault.put(name, settings);
  return jsonReply(200, version.bundle(kidOf(origin, name, version)));
}

function nameBlocked(name: string): HttpReply {
  return errorReply({
    status: 409,
    code: "Conflict",
    innerCode: "ObjectIsDeletedButRecoverable",
    message:
      `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key ` +
      "can only be recovered or purged.",
  });
}
