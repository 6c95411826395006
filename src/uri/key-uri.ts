import { readAwsKmsUri } from "./aws-kms-uri.ts";
import { readAzureKeyVaultUri } from "./azure-key-vault-uri.ts";
import { readGcpKmsUri } from "./gcp-kms-uri.ts";
import type { KeyUri } from "./parsed-uri.ts";
import { readPkcs11Uri } from "./pkcs11-uri.ts";
import { requireUri } from "./refusal.ts";

const SCHEMES = ["aws-kms", "azure-key-vault", "gcp-kms", "pkcs11", "cloudhsm"] as const;

/**
 * Takes a key's URI apart. It reads no file and no environment, and loads no backend.
 *
 * - `aws-kms:KEY?region=…`: KEY is a key id, a key ARN, an alias (`alias/…`) or an alias ARN. Also `profile`, `endpoint` and
 *   `useFipsEndpoint=true`, which are the SDK's own words.
 * - `azure-key-vault:https://NAME.vault.azure.net/keys/KEY/VERSION`: the key's identifier, the version optional. Also
 *   `serviceVersion`, and, for a server of the protocol on this machine, `allowInsecureConnection=true` and
 *   `disableChallengeResourceVerification=true`.
 * - `gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`: the version's full name; the version is required, since
 *   each is another account. A shorter name is a place. Also `endpoint`.
 * - `pkcs11:token=…;object=…?module-path=…&pin-source=…`: RFC 7512, with x-slot-index as a vendor attribute.
 * - `cloudhsm:object=…?pin-source=…`: the same grammar, with AWS's library as the module.
 *
 * @throws ethers' INVALID_ARGUMENT `uri`, which says what is wrong at which place and never shows the URI.
 */
export function parseKeyUri(uri: string): KeyUri {
  requireUri(typeof uri === "string", "it must be a string");
  const colon = uri.indexOf(":");
  // RFC 3986, section 3.1: the case of a scheme's letters does not count.
  const scheme = SCHEMES.find((each) => each === uri.slice(0, Math.max(colon, 0)).toLowerCase());
  requireUri(scheme !== undefined, `it must begin with ${SCHEMES.map((each) => `${each}:`).join(", ")}`);
  const fragment = uri.indexOf("#");
  requireUri(fragment < 0, `# at position ${fragment + 1} must be percent-encoded: these URIs have no fragment`);
  const question = uri.indexOf("?");
  const end = question < 0 ? uri.length : question;
  const path = { text: uri.slice(colon + 1, end), start: colon + 1 };
  const query = { text: uri.slice(end + 1), start: end + 1 };
  if (scheme === "aws-kms") return { backend: scheme, options: readAwsKmsUri(path, query) };
  if (scheme === "azure-key-vault") return { backend: scheme, options: readAzureKeyVaultUri(path, query) };
  if (scheme === "gcp-kms") return readGcpKmsUri(path, query);
  return { backend: scheme, ...readPkcs11Uri(path, query) };
}
