import { getBytes, hexlify } from "ethers";

// PKCS#11 v2.40, header pkcs11t.h.

export const CKO = { PUBLIC_KEY: 2, PRIVATE_KEY: 3, SECRET_KEY: 4 } as const;

export const CKK = { EC: 0x03, AES: 0x1f } as const;

export const CKA = {
  CLASS: 0x000,
  TOKEN: 0x001,
  PRIVATE: 0x002,
  LABEL: 0x003,
  VALUE: 0x011,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  WRAP: 0x106,
  UNWRAP: 0x107,
  SIGN: 0x108,
  VERIFY: 0x10a,
  DERIVE: 0x10c,
  EXTRACTABLE: 0x162,
  LOCAL: 0x163,
  NEVER_EXTRACTABLE: 0x164,
  ALWAYS_SENSITIVE: 0x165,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
  ALWAYS_AUTHENTICATE: 0x202,
} as const;

export const CKM = { ECDSA: 0x1041, EC_KEY_PAIR_GEN: 0x1040, AES_KEY_WRAP_PAD: 0x210a } as const;

/** CKA_EC_PARAMS of secp256k1: the DER of the named curve's object identifier 1.3.132.0.10 (SEC 2 v2, section A.2.1). */
export const SECP256K1_PARAMS = getBytes("0x06052b8104000a");

/** Whether these are secp256k1's CKA_EC_PARAMS: the named curve, or its parameters one by one (ECParameters of X9.62). */
export function isSecp256k1(params: Uint8Array): boolean {
  const given = hexlify(params).slice(2);
  return given === hexlify(SECP256K1_PARAMS).slice(2) || EXPLICIT.includes(given);
}

// SEC 2 v2, section 2.4.1.
const P = "00fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
const N = "00fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const GX = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const GY = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
const [SEQUENCE, INTEGER, OCTET_STRING] = ["30", "02", "04"];
const PRIME_FIELD = "06072a8648ce3d0101";

// What encoders differ in: the leading zeros of a and b, G with y or without, the cofactor or none.
const EXPLICIT = [1, 32].flatMap((length) =>
  [`04${GX}${GY}`, `02${GX}`].flatMap((generator) =>
    [der(INTEGER, "01"), ""].map((cofactor) => {
      const [a, b] = ["0", "7"].map((digit) => der(OCTET_STRING, digit.padStart(2 * length, "0")));
      const field = der(SEQUENCE, PRIME_FIELD + der(INTEGER, P));
      const curve = der(SEQUENCE, `${a}${b}`);
      const version = der(INTEGER, "01");
      return der(SEQUENCE, version + field + curve + der(OCTET_STRING, generator) + der(INTEGER, N) + cofactor);
    }),
  ),
);

function der(tag: string | undefined, content: string): string {
  const length = content.length / 2;
  return `${tag}${length < 0x80 ? "" : "81"}${length.toString(16).padStart(2, "0")}${content}`;
}
