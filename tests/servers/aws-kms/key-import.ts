import {
  constants,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  randomUUID,
} from "node:crypto";
import { Secp256k1Key, spkiOf } from "../support/secp256k1-key.ts";
import { KmsException } from "./exceptions.ts";
import type { KeyRing, KmsKeyRecord } from "./key-ring.ts";
import { base64, type Json, requireText } from "./operations.ts";

let wrapping: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined;

/** One key pair for all imports: it takes a second to make. */
function wrappingKey() {
  wrapping ??= generateKeyPairSync("rsa", { modulusLength: 4096 });
  return wrapping;
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html */
export function getParametersForImport(ring: KeyRing, input: Json): Json {
  const key = requireExternal(ring, input);
  if (input["WrappingAlgorithm"] !== "RSAES_OAEP_SHA_256" || input["WrappingKeySpec"] !== "RSA_4096") {
    throw new KmsException("ValidationException", "Only RSAES_OAEP_SHA_256 and RSA_4096 are known here.");
  }
  key.importToken = randomUUID();
  const publicKey = wrappingKey().publicKey.export({ type: "spki", format: "der" });
  return {
    KeyId: key.arn,
    ImportToken: base64(Buffer.from(key.importToken)),
    PublicKey: base64(publicKey),
    ParametersValidTo: Math.floor(Date.now() / 1000) + 86_400,
  };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html */
export function importKeyMaterial(ring: KeyRing, input: Json): Json {
  const key = requireExternal(ring, input);
  const token = Buffer.from(requireText(input, "ImportToken"), "base64").toString();
  if (key.importToken !== token) throw new KmsException("InvalidImportTokenException", "");
  const model = input["ExpirationModel"] ?? "KEY_MATERIAL_EXPIRES";
  if (model === "KEY_MATERIAL_EXPIRES" && input["ValidTo"] === undefined) {
    throw new KmsException(
      "ValidationException",
      "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    );
  }
  const signer = new Secp256k1Key(unwrap(Buffer.from(requireText(input, "EncryptedKeyMaterial"), "base64")));
  const spki = spkiOf(signer);
  if (key.spki && !Buffer.from(key.spki).equals(spki)) throw new KmsException("IncorrectKeyMaterialException", "");
  Object.assign(key, { signer, spki, state: "Enabled", expirationModel: String(model), importToken: undefined });
  return {};
}

/** The private key as hex, out of RSAES-OAEP and PKCS#8, both by OpenSSL. */
function unwrap(encrypted: Uint8Array): string {
  try {
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
    const der = privateDecrypt({ key: wrappingKey().privateKey, ...padding }, encrypted);
    const { crv, d = "" } = createPrivateKey({ key: der, type: "pkcs8", format: "der" }).export({ format: "jwk" });
    if (crv === "secp256k1") return Buffer.from(d, "base64url").toString("hex");
  } catch {
    // Whatever cannot be read is answered alike.
  }
  throw new KmsException("InvalidCiphertextException", "");
}

function requireExternal(ring: KeyRing, input: Json): KmsKeyRecord {
  const key = ring.find(requireText(input, "KeyId"));
  if (key.origin === "EXTERNAL") return key;
  const text = `${key.arn} origin is ${key.origin} which is not valid for this operation.`;
  throw new KmsException("UnsupportedOperationException", text);
}
