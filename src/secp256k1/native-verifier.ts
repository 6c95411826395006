import { createRequire } from "node:module";
import { SignerError } from "../core/errors.ts";
import type { RawSignature } from "../core/signature.ts";
import type { Verifier } from "../core/verify.ts";

/** The part of the package `secp256k1` that is used here. */
interface Binding {
  /** @returns 65 bytes. @throws an Error if there is no such public key. */
  ecdsaRecover(signature: Uint8Array, recoveryId: number, digest: Uint8Array, compressed: false): Uint8Array;
}

/**
 * A verifier by libsecp256k1, Bitcoin Core's C library, through the native binding of the package `secp256k1`: for the option
 * `verifier` of signers, stores, directories and key URIs. It recovers the public key of either yParity and compares it with the account's.
 *
 * It never uses that package's fallback in JavaScript. It needs Node's native addons: no browser, and no bundle that includes them.
 *
 * @throws SignerError DEPENDENCY_MISSING if the package is not installed, or has no binding for this platform.
 * @example
 * const signer = new KmsSigner({ keyId, verifier: nativeVerifier() }, provider);
 */
export function nativeVerifier(): Verifier {
  const { ecdsaRecover } = loadBinding();
  return (publicKey, digest, signature) => {
    const compact = encodeCompact(signature);
    return ([0, 1] as const).find((yParity) => {
      try {
        return Buffer.compare(ecdsaRecover(compact, yParity, digest, false), publicKey) === 0;
      } catch {
        // r is not the x of a point, or the recovered point is infinity.
        return false;
      }
    });
  };
}

/** r‖s, 32 bytes each, big-endian; by hexadecimal text it would take a tenth of the verification. */
function encodeCompact({ r, s }: RawSignature): Uint8Array {
  const view = new DataView(new ArrayBuffer(64));
  for (let word = 0; word < 4; word += 1) {
    const shift = BigInt(64 * (3 - word));
    view.setBigUint64(8 * word, r >> shift);
    view.setBigUint64(32 + 8 * word, s >> shift);
  }
  return new Uint8Array(view.buffer);
}

function loadBinding(): Binding {
  const require = createRequire(import.meta.url);
  try {
    // The package's main module would replace a binding that cannot be loaded by its JavaScript.
    return require("secp256k1/bindings.js");
  } catch (cause) {
    const isInstalled = (cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND";
    const message = isInstalled
      ? "the package secp256k1 has no native binding for this platform: run npm rebuild secp256k1 --ignore-scripts=false, which needs a C++ compiler"
      : "the package secp256k1 is not installed: run npm install secp256k1";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "load", cause });
  }
}
