import { getBytes, toBeHex, toUtf8Bytes } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import { signatureToDer } from "../../../src/core/signature.ts";
import type { MalformedBytes } from "./hostile-case.ts";
import { ORDER } from "./point.ts";

const HIGH = (ORDER - 1n).toString(16);
const N = ORDER.toString(16);

/** Of r = s = 1 where that shows the fault, in hex. */
const SMALL: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["an empty SEQUENCE", "3000"],
  ["a header alone", "30"],
  ["trailing bytes outside", "300602010102010100"],
  ["trailing bytes inside", "30080201010201010000"],
  ["a NULL inside", "30080201010201010500"],
  ["a third INTEGER", "3009020101020101020101"],
  ["one INTEGER", "3003020101"],
  ["a length too long", "3007020101020101"],
  ["a length too short", "3005020101020101"],
  ["a long-form SEQUENCE length", "308106020101020101"],
  ["a two-byte SEQUENCE length", "30820006020101020101"],
  ["a long-form INTEGER length", "300702810101020101"],
  ["an indefinite SEQUENCE length", "30800201010201010000"],
  ["an indefinite INTEGER length", "300a0280010100000201010000"],
  ["r zero", "3006020100020101"],
  ["s zero", "3006020101020100"],
  ["r empty", "30050200020101"],
  ["s empty", "30050201010200"],
  ["r negative", "3006020180020101"],
  ["s negative", "30060201010201ff"],
  ["r padded with one zero", "300702020001020101"],
  ["r padded with two zeros", "30080203000080020101"],
  ["s padded with ff", "30070201010202ff80"],
  ["r = n", `3026022100${N}020101`],
  ["s = n", `3026020101022100${N}`],
  ["r = n + 1", `3026022100${(ORDER + 1n).toString(16)}020101`],
  ["r = 2^256 - 1", `3026022100${"ff".repeat(32)}020101`],
  ["r = 2^256", `3026022101${"00".repeat(32)}020101`],
  ["s of 34 bytes", `30270201010222${"01".padEnd(68, "0")}`],
  ["a SET", "3106020101020101"],
  ["a primitive SEQUENCE", "1006020101020101"],
  ["a context tag for the SEQUENCE", "a006020101020101"],
  ["an OCTET STRING for r", "3006040101020101"],
  ["an ENUMERATED for s", "30060201010a0101"],
  ["a constructed INTEGER", "30082203020101020101"],
  ["a multi-byte tag", "3f1006020101020101"],
  ["a malformed time, at which lenient parsers throw", "1806020101020101"],
  ["a malformed time inside", "30081806020101020101"],
  ["a nested SEQUENCE", "30083006020101020101"],
  ["compact r‖s", "01".repeat(64)],
  ["73 bytes", `3047022100${HIGH}02220000${HIGH}`],
  ["5,000 bytes", "30".repeat(5000)],
  ["a huge announced length", "3084ffffffff020101020101"],
  ["a truncated s", "300602010102"],
];

/** Made of a right signature: a decoder that forgives such a fault gets that signature. */
const CHANGES: readonly (readonly [string, (der: readonly number[], signature: RawSignature) => Iterable<number>])[] = [
  ["the right signature, cut short", (der) => der.slice(0, -1)],
  ["the right signature, followed by a byte", (der) => [...der, 0]],
  ["the right signature twice", (der) => [...der, ...der]],
  ["the right signature as a SET", (der) => [0x31, ...der.slice(1)]],
  ["the right signature with a long-form length", (der) => [0x30, 0x81, ...der.slice(1)]],
  ["the right signature with an indefinite length", (der) => [0x30, 0x80, ...der.slice(2), 0, 0]],
  ["the right signature with a length too long", (der) => [0x30, der.length - 1, ...der.slice(2)]],
  ["the right signature with a length too short", (der) => [0x30, der.length - 3, ...der.slice(2)]],
  ["the right signature with a padded r", paddedR],
  ["the right signature in an OCTET STRING", (der) => [0x04, der.length, ...der]],
  ["the right signature in a BIT STRING", (der) => [0x03, der.length + 1, 0, ...der]],
  ["the right signature in a SEQUENCE", (der) => [0x30, der.length, ...der]],
  ["the right signature as compact r‖s", (_der, { r, s }) => getBytes(toBeHex((r << 256n) | s, 64))],
  ["the right signature as hex text", (der) => toUtf8Bytes(der.map((byte) => toBeHex(byte, 1).slice(2)).join(""))],
];

/**
 * Bytes that are not the canonical DER of a signature (RFC 3279, section 2.2.3; X.690, sections 8.3.2 and 10.1), or of numbers
 * that no signature has. `signatureFromDer` refuses them all; so must a backend's own decoder.
 *
 * @param signature what the bytes with a single fault are made of; with a key's own, a decoder that forgives the fault shows.
 */
export function malformedDer(signature: RawSignature = { r: ORDER - 2n, s: 2n }): MalformedBytes[] {
  const der = [...signatureToDer(signature)];
  return [
    ...SMALL.map(([name, hex]) => malformed(name, getBytes(`0x${hex}`))),
    ...CHANGES.map(([name, change]) => malformed(name, Uint8Array.from(change(der, signature)))),
  ];
}

function malformed(name: string, bytes: Uint8Array): MalformedBytes {
  return { name, bytes, code: "BACKEND_RESPONSE_INVALID" };
}

function paddedR(der: readonly number[]): number[] {
  return [0x30, der.length - 1, 0x02, (der[3] as number) + 1, 0, ...der.slice(4)];
}
