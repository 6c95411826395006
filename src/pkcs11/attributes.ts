import { getBytes } from "ethers";

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
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
} as const;

export const CKM = { ECDSA: 0x1041, EC_KEY_PAIR_GEN: 0x1040, AES_KEY_WRAP_PAD: 0x210a } as const;

/** CKA_EC_PARAMS of secp256k1: the DER of the named curve's object identifier 1.3.132.0.10 (SEC 2 v2, section A.2.1). */
export const SECP256K1_PARAMS = getBytes("0x06052b8104000a");
