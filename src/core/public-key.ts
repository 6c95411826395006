import { secp256k1 } from "@noble/curves/secp256k1.js";
import { BitString, ObjectIdentifier, OctetString, Sequence } from "asn1js";
import { concat, decodeBase64, getAddress, getBytes, keccak256, zeroPadValue } from "ethers";
import { copyBytes, decodeBer, equalBytes } from "./bytes.ts";
import { invalidResponse, SignerError } from "./errors.ts";

/** The public half of a JSON Web Key (RFC 7517). x and y: 32 bytes, big-endian, as base64url or as vendors' SDKs return them. */
export interface PublicJwk {
  /** `"EC"`, or `"EC-HSM"` in Azure. */
  readonly kty?: string | undefined;
  /** The curve's name. */
  readonly crv?: string | undefined;
  readonly x?: string | Uint8Array | undefined;
  readonly y?: string | Uint8Array | undefined;
}

/**
 * Decodes a SEC1 point (SEC 1 v2, section 2.3.4): 65 bytes uncompressed (0x04, x, y) or 33 compressed (0x02 or 0x03, x).
 *
 * @returns 65 bytes, uncompressed, on the curve.
 * @throws SignerError BACKEND_RESPONSE_INVALID for the hybrid form, infinity, another length, and a point off the curve.
 */
export function publicKeyFromSec1(sec1: Uint8Array): Uint8Array {
  const bytes = copyBytes(sec1, "the public key");
  try {
    return secp256k1.Point.fromBytes(bytes).toBytes(false);
  } catch {
    throw invalidResponse(
      `the public key (${bytes.length} bytes) is not a SEC1 point of secp256k1: 65 bytes 0x04, x, y or 33 bytes 0x02 or 0x03, x`,
    );
  }
}

/**
 * Decodes PKCS#11's CKA_EC_POINT: the DER OCTET STRING of a SEC1 point (PKCS#11 v2.40 mechanisms, section 2.3.3), the
 * BIT STRING that some modules return in its place, and the SEC1 point without either.
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError BACKEND_RESPONSE_INVALID for anything else, x‖y without a prefix included.
 */
export function publicKeyFromEcPoint(ecPoint: Uint8Array): Uint8Array {
  const bytes = copyBytes(ecPoint, "CKA_EC_POINT");
  // A point alone begins with an OCTET STRING's tag (0x04) too, but does not have the lengths of a wrapped one.
  const decoded = bytes.length === 65 || bytes.length === 33 ? undefined : decodeBer(bytes);
  if (!(decoded instanceof OctetString || decoded instanceof BitString)) return publicKeyFromSec1(bytes);
  const valueHex = decoded.valueBlock.valueHexView;
  const canonical = decoded instanceof OctetString ? new OctetString({ valueHex }) : new BitString({ valueHex });
  return publicKeyFromSec1(equalBytes(new Uint8Array(canonical.toBER()), bytes) ? valueHex : bytes);
}

// id-ecPublicKey and secp256k1.
const ALGORITHM = ["1.2.840.10045.2.1", "1.3.132.0.10"];
// The longest key of another kind that is worth naming in an error: an RSA-4096 key has 550 bytes.
const MAX_SPKI_LENGTH = 1024;

/**
 * Decodes a DER SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 5480, section 2) with id-ecPublicKey and the named curve
 * secp256k1, its point uncompressed (88 bytes in all) or compressed (56).
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError KEY_UNUSABLE for a key of another algorithm or curve; BACKEND_RESPONSE_INVALID for every other or
 *   non-canonical encoding, explicit curve parameters included.
 */
export function publicKeyFromSpki(spki: Uint8Array): Uint8Array {
  const bytes = copyBytes(spki, "the SubjectPublicKeyInfo");
  const decoded = bytes.length <= MAX_SPKI_LENGTH ? decodeBer(bytes) : undefined;
  const [algorithm, bits] = decoded instanceof Sequence ? decoded.valueBlock.value : [];
  const ids = algorithm instanceof Sequence ? algorithm.valueBlock.value : [];
  for (const [index, expected] of ALGORITHM.entries()) {
    const id = ids[index];
    if (!(id instanceof ObjectIdentifier)) throw notSpki();
    if (id.getValue() === expected) continue;
    const found = `the key's ${index === 0 ? "algorithm" : "curve"} is ${id.getValue()}`;
    const needed = "Ethereum needs an EC key (1.2.840.10045.2.1) on secp256k1 (1.3.132.0.10). Create one";
    throw new SignerError("KEY_UNUSABLE", `${found}; ${needed}`);
  }
  if (!(bits instanceof BitString)) throw notSpki();
  const point = bits.valueBlock.valueHexView;
  const identifiers = new Sequence({ value: ALGORITHM.map((value) => new ObjectIdentifier({ value })) });
  const canonical = new Sequence({ value: [identifiers, new BitString({ valueHex: point })] });
  if (!equalBytes(new Uint8Array(canonical.toBER()), bytes)) throw notSpki();
  return publicKeyFromSec1(point);
}

function notSpki() {
  return invalidResponse("the public key is not a canonical DER SubjectPublicKeyInfo of a secp256k1 key");
}

// Azure's name since 2018, Azure's older name, and RFC 8812's.
const JWK_CURVES: ReadonlySet<unknown> = new Set(["P-256K", "SECP256K1", "secp256k1"]);
/** RFC 4648, section 3.5: bits that encode nothing are zero. */
const BASE64URL = /^([\w-]{4})*([\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;
const JWK_KEY_TYPES: ReadonlySet<unknown> = new Set(["EC", "EC-HSM"]);

/**
 * Decodes the public half of a JSON Web Key: kty EC or EC-HSM; crv P-256K, SECP256K1 (Azure) or secp256k1 (RFC 8812,
 * section 3.1). x and y shorter than 32 bytes are padded on the left.
 *
 * @returns 65 bytes, SEC1 uncompressed, on the curve.
 * @throws SignerError KEY_UNUSABLE for another kty or crv; BACKEND_RESPONSE_INVALID for coordinates that are missing, not
 *   base64url, longer than 32 bytes, or not on the curve.
 */
export function publicKeyFromJwk(jwk: PublicJwk): Uint8Array {
  if (typeof jwk !== "object" || jwk === null) throw invalidResponse("the JSON Web Key is not an object");
  const { kty, crv, x, y } = jwk;
  if (!JWK_KEY_TYPES.has(kty) || !JWK_CURVES.has(crv)) {
    const shown = (each: unknown) => (typeof each === "string" ? JSON.stringify(each.slice(0, 32)) : typeof each);
    const message = `the key has kty and crv ${shown(kty)}, ${shown(crv)}; Ethereum needs EC or EC-HSM on P-256K. Create one`;
    throw new SignerError("KEY_UNUSABLE", message);
  }
  return publicKeyFromSec1(getBytes(concat(["0x04", jwkCoordinate("x", x), jwkCoordinate("y", y)])));
}

function jwkCoordinate(name: string, value: unknown): string {
  const isText = typeof value === "string" && value.length > 0 && value.length <= 64 && BASE64URL.test(value);
  const decoded = isText ? decodeBase64(value.replaceAll("-", "+").replaceAll("_", "/")) : value;
  const bytes = copyBytes(decoded, `the JSON Web Key's ${name}, base64url (RFC 7518) or bytes,`);
  if (bytes.length >= 1 && bytes.length <= 32) return zeroPadValue(bytes, 32);
  throw invalidResponse(`the JSON Web Key's ${name} has ${bytes.length} bytes instead of 1 to 32`);
}

/**
 * The Ethereum address of a SEC1 public key, with the checksum of EIP-55: the last 20 bytes of keccak-256 over x‖y.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if it is not a point of secp256k1.
 */
export function addressFromPublicKey(publicKey: Uint8Array): string {
  return getAddress(`0x${keccak256(publicKeyFromSec1(publicKey).slice(1)).slice(-40)}`);
}
