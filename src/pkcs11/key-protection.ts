import { SignerError } from "../core/errors.ts";

/** How well the token keeps a private key, by its attributes; undefined if it does not show them. */
export interface KeyProtection {
  /** CKA_SENSITIVE: the token never shows the key in the clear. */
  readonly sensitive: boolean | undefined;
  /** CKA_EXTRACTABLE: the key can leave the token, wrapped by another key. */
  readonly extractable: boolean | undefined;
}

const warned = new Set<string>();

/**
 * Warns, once per key and process, of a private key that can leave its token; or refuses it, as well as one of which the
 * token does not show that it cannot.
 *
 * @throws SignerError KEY_UNUSABLE where `required`.
 */
export function checkProtection({ sensitive, extractable }: KeyProtection, keyId: string, required: boolean): void {
  if (sensitive === true && extractable === false) return;
  const faults = [
    ...(extractable === true ? ["it is extractable (CKA_EXTRACTABLE is true)"] : []),
    ...(sensitive === false ? ["it is not sensitive (CKA_SENSITIVE is false)"] : []),
  ];
  const remedy = "Make a new key on the token that is sensitive and not extractable, and move the funds";
  if (required) {
    const why = faults.join(" and ") || "the token does not show CKA_SENSITIVE and CKA_EXTRACTABLE";
    throw new SignerError("KEY_UNUSABLE", `requireNonExtractable refuses the private key: ${why}. ${remedy}`, {
      operation: "C_GetAttributeValue",
      info: { sensitive, extractable },
    });
  }
  if (faults.length === 0 || warned.has(keyId)) return;
  warned.add(keyId);
  const message = `the private key ${keyId} can leave its token: ${faults.join(" and ")}. ${remedy}`;
  process.emitWarning(message, { type: "SecurityWarning", code: "ETHERS_HSM_EXTRACTABLE_KEY" });
}
