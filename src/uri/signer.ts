import type { Provider } from "ethers";
import type { KmsSignerOptions } from "../aws-kms/index.ts";
import type { AzureKeyVaultSignerOptions } from "../azure-key-vault/index.ts";
import type { CloudHsmSignerOptions } from "../cloudhsm/index.ts";
import type { GcpKmsSignerOptions } from "../gcp-kms/index.ts";
import type { Pkcs11SignerOptions } from "../pkcs11/index.ts";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { parseKeyUri } from "./key-uri.ts";
import { type KeyUriOptions, optionsOf } from "./options.ts";
import type { KeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";

/**
 * The signer over the key that a URI names, of the class that its backend exports. It loads that backend alone, and sends
 * nothing: the signer's first call does, and fails where the key cannot be reached. For what a URI is, see `parseKeyUri`.
 *
 * A PIN comes from pin-source (`file:/…`, a path, or `env:NAME`) or from the options, and is read when the token asks for it;
 * no other variable of the environment is looked at, but for those of the vendors' SDKs.
 *
 * Treat key URIs as trusted configuration: a URI decides which native library is loaded and where credentials are sent.
 *
 * @throws ethers' INVALID_ARGUMENT; SignerError DEPENDENCY_MISSING if @azure/identity or a library is not installed.
 * @example
 * const signer = await signerFromUri("aws-kms:alias/treasury?region=eu-west-1", provider);
 */
export async function signerFromUri(
  uri: string,
  provider?: null | Provider,
  options: KeyUriOptions = {},
): Promise<RemoteSigner> {
  const parsed = parseKeyUri(uri);
  requireKey(parsed);
  const all = await optionsOf(parsed, options);
  switch (parsed.backend) {
    case "aws-kms": {
      const { KmsSigner } = await import("../aws-kms/index.ts");
      return new KmsSigner(all as unknown as KmsSignerOptions, provider);
    }
    case "azure-key-vault": {
      const { AzureKeyVaultSigner } = await import("../azure-key-vault/index.ts");
      return new AzureKeyVaultSigner(all as AzureKeyVaultSignerOptions, provider);
    }
    case "gcp-kms": {
      const { GcpKmsSigner } = await import("../gcp-kms/index.ts");
      return new GcpKmsSigner(all as unknown as GcpKmsSignerOptions, provider);
    }
    case "pkcs11": {
      requireLibrary(all);
      const { Pkcs11Signer } = await import("../pkcs11/index.ts");
      return new Pkcs11Signer(all as unknown as Pkcs11SignerOptions, provider);
    }
    case "cloudhsm": {
      const { CloudHsmSigner } = await import("../cloudhsm/index.ts");
      return new CloudHsmSigner(all as CloudHsmSignerOptions, provider);
    }
  }
}

/** @throws ethers' INVALID_ARGUMENT. */
export function requireLibrary(options: Readonly<Record<string, unknown>>): void {
  const message = "a pkcs11: URI needs the library, by module-path or module-name, or in the options";
  requireUri(options["libraryPath"] !== undefined, message);
}

function requireKey({ backend, options }: KeyUri): void {
  const isNamed = ["keyId", "keyName", "keyVersion", "keyLabel"].some((name) => name in options);
  const missing = {
    "aws-kms": "the key after the scheme",
    "azure-key-vault": "the key after the scheme",
    "gcp-kms": "/cryptoKeyVersions/N, since each version is another account",
    pkcs11: "the key by object= or id=",
    cloudhsm: "the key by object= or id=",
  }[backend];
  requireUri(isNamed, `it names a place, not a key: add ${missing}`);
}
