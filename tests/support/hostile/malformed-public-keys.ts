import { p256 } from "@noble/curves/nist.js";
import { concat, getBytes, hexlify } from "ethers";
import type { SignerErrorCode } from "../../../src/core/errors.ts";
import type { MalformedBytes } from "./hostile-case.ts";
import { OTHER_KEY } from "./hostile-signatures.ts";
import { Point } from "./point.ts";

/** A right key in hex without 0x: `point` uncompressed, `xy` without its prefix, and `compressed`. */
interface Key {
  readonly point: string;
  readonly xy: string;
  readonly compressed: string;
}

type Table = readonly (readonly [name: string, hexOrBytes: string | Uint8Array, code?: SignerErrorCode])[];

const SPKI_HEADER = "3056301006072a8648ce3d020106052b8104000a034200";
const COMPRESSED_SPKI_HEADER = "3036301006072a8648ce3d020106052b8104000a032200";
const P256_SPKI_HEADER = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
/** secp256k1 by its parameters instead of its name (RFC 3279, section 2.3.5), as OpenSSL writes it. */
const EXPLICIT_SPKI_HEADER =
  "308201333081ec06072a8648ce3d02013081e0020101302c06072a8648ce3d0101022100fffffffffffffffffffffffffffffffffffffffffffff" +
  "ffffffffffefffffc2f30440420000000000000000000000000000000000000000000000000000000000000000004200000000000000000000000" +
  "0000000000000000000000000000000000000000070441" +
  "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c4" +
  "7d08ffb10d4b8022100fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141020101034200";
const ED25519_SPKI = `302a300506032b6570032100${"58".repeat(32)}`;

/**
 * Bytes that are no SEC1 point of secp256k1 (SEC 1 v2, section 2.3.4), neither uncompressed nor compressed: what
 * `publicKeyFromSec1` refuses.
 *
 * @param publicKey the right key, 65 bytes SEC1 uncompressed, of which they are made.
 */
export function malformedSec1(publicKey: Uint8Array): MalformedBytes[] {
  return build(sec1Table(read(publicKey)));
}

/**
 * Bytes that are no CKA_EC_POINT of secp256k1 (PKCS#11 v2.40 mechanisms, section 2.3.3), neither in an OCTET STRING or a
 * BIT STRING nor bare: what `publicKeyFromEcPoint` refuses.
 *
 * @param publicKey as for {@link malformedSec1}.
 */
export function malformedEcPoint(publicKey: Uint8Array): MalformedBytes[] {
  const key = read(publicKey);
  const { point, xy } = key;
  return build([
    ...sec1Table(key),
    ["an OCTET STRING with a byte behind", `0441${point}00`],
    ["an OCTET STRING one byte short", `0441${point.slice(0, -2)}`],
    ["an OCTET STRING of another length", `0440${point}`],
    ["a long-form length", `048141${point}`],
    ["a BIT STRING with unused bits", `034201${point}`],
    ["a BIT STRING with a byte behind", `034200${point}00`],
    ["a BIT STRING without its octet for the unused bits", `0341${point}`],
    ["a BIT STRING in an OCTET STRING", `0444034200${point}`],
    ["an OCTET STRING in an OCTET STRING", `04430441${point}`],
    ["the DER of x‖y", `0440${xy}`],
    ["an OCTET STRING of a hybrid point", `0441${hybrid(key)}`],
    ["an OCTET STRING of a P-256 point", `0441${p256Point()}`],
  ]);
}

/**
 * Bytes that are no canonical DER SubjectPublicKeyInfo of a secp256k1 key (RFC 5480, section 2): what `publicKeyFromSpki`
 * refuses, with KEY_UNUSABLE where it is a well-formed key of another kind.
 *
 * @param publicKey as for {@link malformedSec1}.
 */
export function malformedSpki(publicKey: Uint8Array): MalformedBytes[] {
  const key = read(publicKey);
  const { point, xy } = key;
  return build([
    ["nothing", ""],
    ["a bare point", point],
    ["a byte behind", `${SPKI_HEADER}${point}00`],
    ["one byte less", `${SPKI_HEADER}${point}`.slice(0, -2)],
    ["a long-form length", `308156${SPKI_HEADER.slice(4)}${point}`],
    ["an indefinite length", `3080${SPKI_HEADER.slice(4)}${point}0000`],
    ["unused bits", `${SPKI_HEADER.slice(0, -2)}01${point}`],
    ["an OCTET STRING for the BIT STRING", `${SPKI_HEADER.slice(0, -6)}044200${point}`],
    ["a SET", `31${SPKI_HEADER.slice(2)}${point}`],
    ["no curve", `304f300906072a8648ce3d0201034200${point}`],
    ["a NULL for the curve", `3051300b06072a8648ce3d02010500034200${point}`],
    ["a NULL behind the curve", `3058301206072a8648ce3d020106052b8104000a0500034200${point}`],
    ["explicit curve parameters", `${EXPLICIT_SPKI_HEADER}${point}`],
    ["the header of the other length", `${COMPRESSED_SPKI_HEADER}${point}`],
    ["a point off the curve", `${SPKI_HEADER}${offCurve(key)}`],
    ["a hybrid point", `${SPKI_HEADER}${hybrid(key)}`],
    ["x‖y without a prefix", `${SPKI_HEADER.replace("3056", "3055").slice(0, -6)}034100${xy}`],
    ["a malformed time, at which lenient parsers throw", `18${SPKI_HEADER.slice(2)}${point}`],
    ["1025 bytes", "30".repeat(1025)],
    ["deep nesting", "3080".repeat(500)],
    ["a P-256 point under the name of secp256k1", `${SPKI_HEADER}${p256Point()}`],
    ["a P-256 key", `${P256_SPKI_HEADER}${p256Point()}`, "KEY_UNUSABLE"],
    ["the right point under the name of P-256", `${P256_SPKI_HEADER}${point}`, "KEY_UNUSABLE"],
    ["an Ed25519 key", ED25519_SPKI, "KEY_UNUSABLE"],
  ]);
}

/** The right DER SubjectPublicKeyInfo of a key: 88 bytes. @param publicKey as for {@link malformedSec1}. */
export function spkiOf(publicKey: Uint8Array): Uint8Array {
  return getBytes(concat([`0x${SPKI_HEADER}`, publicKey]));
}

function sec1Table(key: Key): Table {
  const { point, xy, compressed } = key;
  return [
    ["nothing", ""],
    ["the point at infinity", "00"],
    ["65 zero bytes", "00".repeat(65)],
    ["x‖y without a prefix", xy],
    ["the hybrid form", hybrid(key)],
    ["the hybrid form of the other y", `${hybrid(key).startsWith("06") ? "07" : "06"}${xy}`],
    ["another prefix", `05${xy}`],
    ["the prefix of a compressed point", `02${xy}`],
    ["one byte less", point.slice(0, -2)],
    ["one byte more", `${point}00`],
    ["y off the curve", offCurve(key)],
    ["x and y swapped", `04${xy.slice(64)}${xy.slice(0, 64)}`],
    ["zeros", `04${"00".repeat(64)}`],
    ["x >= p", `04${"ff".repeat(64)}`],
    ["a P-256 point", p256Point()],
    ["a compressed x that is not on the curve", `02${"00".repeat(31)}05`],
    ["a compressed x >= p", `02${"ff".repeat(32)}`],
    ["a compressed point one byte short", compressed.slice(0, -2)],
    ["1 MB", new Uint8Array(1_000_000).fill(4)],
  ];
}

function build(table: Table): MalformedBytes[] {
  return table.map(([name, content, code = "BACKEND_RESPONSE_INVALID"]) => {
    return { name, bytes: typeof content === "string" ? getBytes(`0x${content}`) : content, code };
  });
}

function read(publicKey: Uint8Array): Key {
  const point = hexlify(publicKey).slice(2);
  return { point, xy: point.slice(2), compressed: Point.fromBytes(publicKey).toHex(true) };
}

// SEC 1 v2 leaves it out; X9.62 has it, with the parity of y in the prefix.
function hybrid({ xy }: Key): string {
  return `${Number.parseInt(xy.slice(-1), 16) % 2 ? "07" : "06"}${xy}`;
}

function offCurve({ point }: Key): string {
  const last = Number.parseInt(point.slice(-1), 16);
  return `${point.slice(0, -1)}${(last ^ 1).toString(16)}`;
}

let p256PointHex: string | undefined;

function p256Point(): string {
  p256PointHex ??= hexlify(p256.getPublicKey(getBytes(OTHER_KEY.privateKey), false)).slice(2);
  return p256PointHex;
}
