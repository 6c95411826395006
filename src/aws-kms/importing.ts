import { getAddress } from "ethers";
import { copyBytes } from "../core/bytes.ts";
import { SignerError } from "../core/errors.ts";
import { decodeAnswer, requireKeyArn } from "./answer.ts";
import type { CreateKmsKeyOptions } from "./creation-options.ts";
import { eventually } from "./eventually.ts";
import type { KeyMaterial } from "./key-material.ts";
import type { StoreRequests } from "./store-requests.ts";

export interface ImportKmsKeyOptions extends CreateKmsKeyOptions {
  /** The address that the private key must have, checked before anything is created: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
}

/** @throws SignerError ADDRESS_MISMATCH. */
export function requireExpectedAddress(actual: string, expectedAddress: string | undefined): void {
  if (expectedAddress === undefined) return;
  const expected = getAddress(expectedAddress);
  if (expected === actual) return;
  throw new SignerError(
    "ADDRESS_MISMATCH",
    `the private key is the account ${actual}, not the expectedAddress ${expected}; nothing was created`,
    { backend: "aws-kms", operation: "importKey", info: { expected, actual } },
  );
}

/**
 * Brings the material into a key that waits for it (Origin EXTERNAL, KeyState PendingImport).
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
 */
export async function importMaterial(requests: StoreRequests, arn: string, material: KeyMaterial): Promise<void> {
  const given = await eventually(() => requests.getParametersForImport(arn), ["KEY_NOT_FOUND"]);
  const { token, publicKey } = decodeAnswer(given, "GetParametersForImport", () => {
    requireKeyArn(given.KeyId, arn);
    return {
      token: copyBytes(given.ImportToken, "ImportToken"),
      publicKey: copyBytes(given.PublicKey, "PublicKey"),
    };
  });
  await requests.importKeyMaterial({
    KeyId: arn,
    ImportToken: token,
    EncryptedKeyMaterial: await material.wrap(publicKey),
    // The default would have the key lose its material at a date.
    ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
  });
}
