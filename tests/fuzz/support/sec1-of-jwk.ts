import { strictEqual } from "node:assert";
import type { JsonWebKey } from "node:crypto";

/** The uncompressed point of node:crypto's JSON Web Key, in hex. */
export function sec1OfJwk({ crv, x = "", y = "" }: JsonWebKey): string {
  strictEqual(crv, "secp256k1");
  const hex = (coordinate: string) => Buffer.from(coordinate, "base64url").toString("hex").padStart(64, "0");
  return `0x04${hex(x)}${hex(y)}`;
}
