import { equalBytes } from "../../core/bytes.ts";
import { publicKeyFromSec1 } from "../../core/public-key.ts";
import type { RemoteKey } from "../../signer/remote-key.ts";
import { expect, started } from "./expectation.ts";
import type { Requirement } from "./requirement.ts";

/** Who the key says it is. */
export const identityCases: Readonly<Record<string, Requirement>> = {
  "it names its backend and itself": async (key) => {
    for (const name of ["backend", "id"] as const) {
      const value: unknown = key[name];
      expect(typeof value === "string" && value.length > 0, `${name} must be a string, not empty`);
      expect(key[name] === value, `${name} must not change`);
    }
  },

  "the public key is 65 bytes, SEC1 uncompressed, on secp256k1": async (key) => {
    const publicKey = await ask(key);
    expect(isUint8Array(publicKey), "getPublicKey must give a Uint8Array");
    expect(publicKey.length === 65, `the public key must have 65 bytes; it has ${publicKey.length}`);
    expect(publicKey[0] === 4, `the public key must begin with 0x04; it begins with ${publicKey[0]}`);
    publicKeyFromSec1(publicKey);
  },

  "the public key is the same each time, and for calls at once": async (key) => {
    const first = await ask(key);
    const others = await Promise.all([ask(key), ask(key), ask(key)]);
    for (const other of others) expect(equalBytes(other, first), "getPublicKey must give the same key each time");
  },

  "the public key's bytes belong to the caller": async (key) => {
    const first = await ask(key);
    const kept = first.slice();
    first.fill(0);
    const again = await ask(key);
    expect(equalBytes(again, kept), "bytes that the caller overwrote came back: give a copy each time");
  },
};

function ask(key: RemoteKey): Promise<Uint8Array> {
  return started(() => key.getPublicKey(), "getPublicKey");
}

// Of any realm, as everywhere in this package.
function isUint8Array(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}
