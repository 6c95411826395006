import { strictEqual } from "node:assert";
import { createPublicKey } from "node:crypto";
import { hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { type PublicJwk, publicKeyFromJwk } from "../../../src/core/public-key.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { points } from "../support/points.ts";
import { sec1OfJwk } from "../support/sec1-of-jwk.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const BYTES = "bytes:";

/** JSON has no bytes, which vendors' SDKs give: `bytes:` and hex stands for them. */
function jwkOf(input: Uint8Array): PublicJwk {
  const jwk = jsonOf(input) as Record<string, unknown> | undefined;
  if (typeof jwk !== "object" || jwk === null) return jwk as never;
  const read = (value: unknown) =>
    typeof value === "string" && value.startsWith(BYTES) ? Buffer.from(value.slice(BYTES.length), "hex") : value;
  return Object.fromEntries(Object.entries(jwk).map(([name, value]) => [name, read(value)]));
}

const base64Url = (coordinate: string | Uint8Array | undefined) =>
  (typeof coordinate === "string" ? Buffer.from(coordinate, "base64url") : Buffer.from(coordinate ?? [])).toString(
    "base64url",
  );

/** A JSON Web Key: OpenSSL must read the same point from every one that is accepted. */
export const target: FuzzTarget<Uint8Array> = {
  maxLength: 16_384,
  *seeds() {
    const kinds = [
      ["EC", "P-256K"],
      ["EC-HSM", "SECP256K1"],
      ["EC", "secp256k1"],
      ["RSA", "P-256"],
    ] as const;
    for (const [index, point] of points().entries()) {
      const [kty, crv] = kinds[index] ?? kinds[0];
      const [x, y] = [point.toBytes(false).slice(1, 33), point.toBytes(false).slice(33)];
      yield bytesOf(JSON.stringify({ kty, crv, x: base64Url(x), y: base64Url(y) }));
      yield bytesOf(JSON.stringify({ kty, crv, x: BYTES + hexlify(x).slice(2), y: BYTES + hexlify(y).slice(2) }));
      if (x[0] === 0) yield bytesOf(JSON.stringify({ kty, crv, x: base64Url(x.slice(1)), y: base64Url(y) }));
    }
  },
  decode: (input) => publicKeyFromJwk(jwkOf(input)),
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID") || isSignerError(error, "KEY_UNUSABLE"),
  confirm(input, output) {
    const { x, y } = jwkOf(input);
    const key = { kty: "EC", crv: "secp256k1", x: base64Url(x), y: base64Url(y) };
    const theirs = createPublicKey({ key, format: "jwk" }).export({ format: "jwk" });
    strictEqual(hexlify(output), sec1OfJwk(theirs));
  },
  maxOutput: () => 65,
  words: [BYTES, '"kty":', '"crv":', '"x":', '"y":'],
  mutate: mutateJson,
};
