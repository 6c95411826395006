import type { Json } from "./operations.ts";

type Numbers = Readonly<Record<string, number>>;

const ALGORITHMS: Numbers = {
  EC_SIGN_P256_SHA256: 12,
  EC_SIGN_SECP256K1_SHA256: 31,
  RSA_SIGN_PSS_2048_SHA256: 2,
  GOOGLE_SYMMETRIC_ENCRYPTION: 1,
};
const PROTECTION_LEVELS: Numbers = { SOFTWARE: 1, HSM: 2, EXTERNAL: 3, EXTERNAL_VPC: 4, HSM_SINGLE_TENANT: 5 };
const PURPOSES: Numbers = { ENCRYPT_DECRYPT: 1, ASYMMETRIC_SIGN: 5 };
const IMPORT_METHODS: Numbers = {
  RSA_OAEP_3072_SHA256_AES_256: 3,
  RSA_OAEP_4096_SHA256_AES_256: 4,
  RSA_OAEP_3072_SHA256: 5,
  RSA_OAEP_4096_SHA256: 6,
};
const VERSION_STATES: Numbers = {
  ...{ ENABLED: 1, DISABLED: 2, DESTROYED: 3, DESTROY_SCHEDULED: 4, PENDING_GENERATION: 5 },
  ...{ PENDING_IMPORT: 6, IMPORT_FAILED: 7, GENERATION_FAILED: 8 },
};
const JOB_STATES: Numbers = { PENDING_GENERATION: 1, ACTIVE: 2, EXPIRED: 3 };

function numbersOf(field: string, message: Json): Numbers | undefined {
  switch (field) {
    case "algorithm":
      return ALGORITHMS;
    case "protectionLevel":
      return PROTECTION_LEVELS;
    case "purpose":
      return PURPOSES;
    case "importMethod":
      return IMPORT_METHODS;
    case "state":
      return "importMethod" in message ? JOB_STATES : VERSION_STATES;
    case "publicKeyFormat":
      return { PEM: 1, DER: 2 };
    default:
      return undefined;
  }
}

/** The same message, its enums as numbers: what `$alt=json;enum-encoding=int` asks for. */
export function withNumbers(message: Json): Json {
  return mapEnums(message, (value, numbers) => (typeof value === "string" ? numbers[value] : value));
}

/** The same message, its enums as names. */
export function withNames(message: Json): Json {
  return mapEnums(message, (value, numbers) => {
    return typeof value === "number" ? Object.keys(numbers).find((name) => numbers[name] === value) : value;
  });
}

function mapEnums(message: Json, map: (value: unknown, numbers: Numbers) => unknown): Json {
  const entries = Object.entries(message).map(([field, value]): [string, unknown] => {
    const numbers = numbersOf(field, message);
    if (numbers) return [field, map(value, numbers)];
    if (Array.isArray(value))
      return [field, value.map((each: unknown) => (isMessage(each) ? mapEnums(each, map) : each))];
    return [field, isMessage(value) ? mapEnums(value, map) : value];
  });
  return Object.fromEntries(entries);
}

function isMessage(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
