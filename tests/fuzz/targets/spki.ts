import { strictEqual } from "node:assert";
import { createPublicKey } from "node:crypto";
import { getBytes, hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { publicKeyFromSpki } from "../../../src/core/public-key.ts";
import { malformedSpki, spkiOf } from "../../support/hostile/index.ts";
import { points } from "../support/points.ts";
import { sec1OfJwk } from "../support/sec1-of-jwk.ts";
import type { FuzzTarget } from "../target.ts";

const COMPRESSED = getBytes("0x3036301006072a8648ce3d020106052b8104000a032200");

/** A SubjectPublicKeyInfo: OpenSSL must read the same point from every one that is accepted. */
export const target: FuzzTarget<Uint8Array> = {
  maxLength: 4096,
  *seeds() {
    for (const point of points()) {
      yield spkiOf(point.toBytes(false));
      yield Uint8Array.of(...COMPRESSED, ...point.toBytes(true));
      yield* malformedSpki(point.toBytes(false)).map(({ bytes }) => bytes);
    }
  },
  decode: publicKeyFromSpki,
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID") || isSignerError(error, "KEY_UNUSABLE"),
  confirm(input, output) {
    const theirs = createPublicKey({ key: Buffer.from(input), format: "der", type: "spki" });
    strictEqual(hexlify(output), sec1OfJwk(theirs.export({ format: "jwk" })));
  },
  maxOutput: () => 65,
};
