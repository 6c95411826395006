export {
  addressFromPublicKey,
  type PublicJwk,
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "../core/public-key.ts";
export {
  type RawSignature,
  signatureFromCompact,
  signatureFromDer,
  signatureToDer,
  toLowS,
} from "../core/signature.ts";
