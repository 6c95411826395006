import type { Meaning } from "./meaning.ts";

function refused(advice: string): Meaning {
  return { code: "BACKEND_UNAVAILABLE", advice, retryable: false };
}

const ANOTHER_IMPORT = refused("KMS does not take the key material that was wrapped for this import; import again");

/**
 * What creating and importing keys may fail with, besides what every request may.
 *
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#API_CreateKey_Errors
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html#API_CreateAlias_Errors
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html#API_ImportKeyMaterial_Errors
 */
export const STORE_MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ["AlreadyExistsException", refused("the alias exists already; choose another, or have it pointed at this key")],
  ["InvalidAliasNameException", refused("KMS does not allow this alias; choose another")],
  ["MalformedPolicyDocumentException", refused("the key policy is not valid; correct policy")],
  ["TagException", refused("KMS does not allow these tags; correct tags")],
  ["InvalidMarkerException", refused("KMS no longer knows the page of its own listing; list again")],
  ["IncorrectKeyMaterialException", refused("the key once held other material, and takes no other; use a new key")],
  ["InvalidCiphertextException", ANOTHER_IMPORT],
  ["InvalidImportTokenException", ANOTHER_IMPORT],
  ["ExpiredImportTokenException", ANOTHER_IMPORT],
]);
