import { concat, decodeBase64, getAddress, getBytes, keccak256, toBeHex } from "ethers";
import { equalBytes, requireBytes } from "./bytes.ts";
import { derElements, objectIdentifierText, sequenceElements, TAG } from "./der-elements.ts";
import { invalidResponse, SignerError } from "./errors.ts";
import { pointFromSec1 } from "./sec1.ts";

/** The public half of a JSON Web Key (RFC 7517). x and y: base64url as in JSON, or bytes as vendors' SDKs give them. */
export interface PublicJwk {
  /** `"EC"`, or `"EC-HSM"` in Azure. */
  readonly kty?: string | undefined;
  /** The curve's name. */
  readonly crv?: string | undefined;
  /** 32 bytes, big-endian; as text in base64url. */
  readonly x?: string | Uint8Array | undefined;
  /** 32 bytes, big-endian; as text in base64url. */
  readonly y?: string | Uint8Array | undefined;
}

/**
 * Reads a SEC1 point (SEC 1 v2, section 2.3.4): 65 bytes uncompressed (0x04, x, y) or 33 compressed (0x02 or 0x03, x).
 *
 * @returns 65 bytes, uncompressed, on the curve.
 * @throws SignerError BACKEND_RESPONSE_INVALID for the hybrid form, the point at infinity, another length, or a point that
 *   is not on secp256k1.
 */
export function publicKeyFromSec1(sec1: Uint8Array): Uint8Array {
  const bytes = requireBytes(sec1, "the public key");
  const point = pointFromSec1(bytes);
  if (!point) {
    throw invalidResponse(
      `the public key (${bytes.length} bytes) is no SEC1 point of secp256k1: 65 bytes 0x04, x, y or 33 bytes 0x02 or 0x03, x`,
    );
  }
  return getBytes(concat(["0x04", toBeHex(point.x, 32), toBeHex(point.y, 32)]));
}

/**
 * Reads PKCS#11's CKA_EC_POINT: the DER OCTET STRING of a SEC1 point (PKCS#11 v2.40 mechanisms, section 2.3.3), and the
 * SEC1 point without that wrapping, which some modules give.
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError BACKEND_RESPONSE_INVALID for anything else, x‖y without a prefix included.
 */
export function publicKeyFromEcPoint(ecPoint: Uint8Array): Uint8Array {
  const bytes = requireBytes(ecPoint, "CKA_EC_POINT");
  // A bare point has an odd first pair too (0x04 and x's first byte), but never the lengths of a wrapped one.
  const wrapped = (bytes.length === 67 || bytes.length === 35) && bytes[0] === 0x04 && bytes[1] === bytes.length - 2;
  return publicKeyFromSec1(wrapped ? bytes.slice(2) : bytes);
}

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const SECP256K1 = "1.3.132.0.10";

// SEQUENCE { SEQUENCE { id-ecPublicKey, secp256k1 }, BIT STRING without unused bits }, by the length of the point.
const SPKI_HEADERS: ReadonlyMap<number, Uint8Array> = new Map([
  [65, getBytes("0x3056301006072a8648ce3d020106052b8104000a034200")],
  [33, getBytes("0x3036301006072a8648ce3d020106052b8104000a032200")],
]);

// The longest key of another kind that is worth naming in an error: an RSA-4096 key has 550 bytes.
const MAX_SPKI_LENGTH = 1024;

/**
 * Reads a DER SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 5480, section 2) with id-ecPublicKey and the named curve
 * secp256k1, its point uncompressed (88 bytes in all) or compressed (56).
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError KEY_UNUSABLE for a key of another algorithm or curve; BACKEND_RESPONSE_INVALID for every other or
 *   non-canonical encoding, explicit curve parameters included.
 */
export function publicKeyFromSpki(spki: Uint8Array): Uint8Array {
  const bytes = requireBytes(spki, "the SubjectPublicKeyInfo");
  if (bytes.length > MAX_SPKI_LENGTH) throw notSpki();
  const [algorithm, bits] = sequenceElements(bytes) ?? [];
  if (algorithm?.tag !== TAG.SEQUENCE || bits?.tag !== TAG.BIT_STRING) throw notSpki();
  const [type, curve] = derElements(algorithm.content) ?? [];
  if (type?.tag !== TAG.OBJECT_IDENTIFIER) throw notSpki();
  requireAlgorithm("algorithm", objectIdentifierText(type.content), EC_PUBLIC_KEY);
  if (curve?.tag !== TAG.OBJECT_IDENTIFIER) throw notSpki();
  requireAlgorithm("curve", objectIdentifierText(curve.content), SECP256K1);
  // The first octet says how many bits of the last one are unused.
  const point = bits.content.slice(1);
  // What the reader tolerates and DER does not is caught by the one encoding that is left.
  const header = SPKI_HEADERS.get(point.length);
  if (!header || !equalBytes(bytes, Uint8Array.of(...header, ...point))) throw notSpki();
  return publicKeyFromSec1(point);
}

function notSpki() {
  return invalidResponse("the public key is no canonical DER SubjectPublicKeyInfo of a secp256k1 key");
}

function requireAlgorithm(what: string, actual: string, expected: string): void {
  if (actual === expected) return;
  throw new SignerError(
    "KEY_UNUSABLE",
    `the key's ${what} is ${actual}; Ethereum needs an EC key (${EC_PUBLIC_KEY}) on secp256k1 (${SECP256K1}). Create one`,
  );
}

// Azure's name since 2018, Azure's older name, and RFC 8812's.
const JWK_CURVES: ReadonlySet<unknown> = new Set(["P-256K", "SECP256K1", "secp256k1"]);
const JWK_KEY_TYPES: ReadonlySet<unknown> = new Set(["EC", "EC-HSM"]);

/**
 * Reads the public half of a JSON Web Key: kty EC or EC-HSM; crv P-256K, SECP256K1 (Azure) or secp256k1 (RFC 8812,
 * section 3.1). x and y shorter than 32 bytes are padded on the left.
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError KEY_UNUSABLE for another kty or crv; BACKEND_RESPONSE_INVALID for coordinates that are missing, no
 *   base64url, longer than 32 bytes, or not on the curve.
 */
export function publicKeyFromJwk(jwk: PublicJwk): Uint8Array {
  if (typeof jwk !== "object" || jwk === null) throw invalidResponse("the JSON Web Key is no object");
  const { kty, crv, x, y } = jwk;
  if (!JWK_KEY_TYPES.has(kty) || !JWK_CURVES.has(crv)) {
    throw new SignerError(
      "KEY_UNUSABLE",
      `the key is ${describe(kty)} on ${describe(crv)}; Ethereum needs EC or EC-HSM on P-256K (secp256k1). Create one`,
    );
  }
  return publicKeyFromSec1(getBytes(concat(["0x04", jwkCoordinate("x", x), jwkCoordinate("y", y)])));
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 32)) : typeof value;
}

function jwkCoordinate(name: string, value: unknown): Uint8Array {
  const bytes =
    typeof value === "string" ? fromBase64Url(name, value) : requireBytes(value, `the JSON Web Key's ${name}`);
  if (bytes.length === 0 || bytes.length > 32) {
    throw invalidResponse(`the JSON Web Key's ${name} has ${bytes.length} bytes instead of 1 to 32`);
  }
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}

function fromBase64Url(name: string, text: string): Uint8Array {
  if (text.length > 64 || text.length % 4 === 1 || !/^[\w-]+$/.test(text)) {
    throw invalidResponse(`the JSON Web Key's ${name} is no base64url (RFC 4648, section 5, without padding)`);
  }
  return decodeBase64(
    text
      .replaceAll("-", "+")
      .replaceAll("_", "/")
      .padEnd(Math.ceil(text.length / 4) * 4, "="),
  );
}

/**
 * The Ethereum address of a public key, with the checksum of EIP-55: the last 20 bytes of keccak-256 over x‖y.
 *
 * @param publicKey SEC1, 65 bytes uncompressed or 33 compressed.
 * @throws SignerError BACKEND_RESPONSE_INVALID where it is no point of secp256k1.
 */
export function addressFromPublicKey(publicKey: Uint8Array): string {
  const xy = publicKeyFromSec1(publicKey).slice(1);
  return getAddress(`0x${keccak256(xy).slice(-40)}`);
}
