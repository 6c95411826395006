import { concat, encodeBase64, getBytes, hexlify } from "ethers";
import type { Expected, HostilePublicKey } from "./hostile-case.ts";
import { OTHER_KEY } from "./hostile-signatures.ts";
import { malformedSec1, spkiOf } from "./malformed-public-keys.ts";
import { Point } from "./point.ts";

const INVALID = "BACKEND_RESPONSE_INVALID";

const values: readonly (readonly [string, Expected, HostilePublicKey["make"]])[] = [
  ["another account's, which is well-formed", "ADDRESS_MISMATCH", () => OTHER_KEY.publicKey],
  ["the mirrored point: the same x, the other y", "ADDRESS_MISMATCH", mirrored],
  ["the compressed point, where 65 bytes are due", INVALID, (key) => Point.fromBytes(key).toBytes(true)],
  ["its SubjectPublicKeyInfo", INVALID, spkiOf],
  ["its CKA_EC_POINT", INVALID, (key) => getBytes(concat(["0x0441", key]))],
  ["hex", INVALID, hexlify],
  ["base64", INVALID, encodeBase64],
  ["an array of numbers", INVALID, (key) => [...key]],
  ["an ArrayBuffer", INVALID, (key) => key.slice().buffer],
  ["a DataView", INVALID, (key) => new DataView(key.slice().buffer)],
  ["a Uint16Array", INVALID, (key) => Uint16Array.from(key)],
  ["a Uint8ClampedArray", INVALID, (key) => Uint8ClampedArray.from(key)],
  ["an object that calls itself a Uint8Array", INVALID, () => ({ [Symbol.toStringTag]: "Uint8Array", length: 65 })],
  ["an object around it", INVALID, (publicKey) => ({ publicKey })],
  ["a JSON Web Key", INVALID, (key) => ({ kty: "EC", crv: "secp256k1", x: key.slice(1, 33), y: key.slice(33) })],
  ["a number", INVALID, () => 65],
  ["true", INVALID, () => true],
  ["null", INVALID, () => null],
  ["undefined", INVALID, () => undefined],
];

// The names do not depend on the key.
const malformed = malformedSec1(OTHER_KEY.publicKey).map(({ name }, index): HostilePublicKey => {
  return { name, expected: INVALID, make: (publicKey) => malformedSec1(publicKey)[index]?.bytes };
});

/**
 * Everything that may come in place of a public key, and what a signer with `expectedAddress` must make of it. Without that
 * option it cannot tell another account's key: it becomes that account, whose signatures the honest key cannot make.
 */
export const hostilePublicKeys: readonly HostilePublicKey[] = [
  ...values.map(([name, expected, make]) => ({ name, expected, make })),
  ...malformed,
];

function mirrored(publicKey: Uint8Array): Uint8Array {
  return Point.fromBytes(publicKey).negate().toBytes(false);
}
