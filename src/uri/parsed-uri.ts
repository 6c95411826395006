import type { KmsKeyOptions } from "../aws-kms/index.ts";
import type { AzureKeyVaultKeyOptions } from "../azure-key-vault/index.ts";
import type { GcpKmsKeyOptions } from "../gcp-kms/index.ts";
import type { Pkcs11KeyOptions } from "../pkcs11/index.ts";

/** A key's URI, taken apart: the backend that it names, and that backend's options, without a credential or a PIN. */
export type KeyUri =
  | { readonly backend: "aws-kms"; readonly options: Partial<KmsKeyOptions> }
  | { readonly backend: "azure-key-vault"; readonly options: Partial<AzureKeyVaultKeyOptions> }
  | GcpKmsKeyUri
  | Pkcs11KeyUri;

/** Google Cloud KMS. */
export interface GcpKmsKeyUri {
  readonly backend: "gcp-kms";
  readonly options: Partial<GcpKmsKeyOptions>;
  /** The name as the URI has it: of a version; or of a key, a key ring or a location. */
  readonly resource: string;
}

/** PKCS#11, or its preset for AWS CloudHSM. */
export interface Pkcs11KeyUri {
  /** Which of the two the scheme names. */
  readonly backend: "pkcs11" | "cloudhsm";
  /** What the URI says of the token and the key, as options of a `Pkcs11Key`. */
  readonly options: Partial<Pkcs11KeyOptions>;
  /** Where the PIN is to be had, as the URI says. */
  readonly pinSource: string | undefined;
  /** Which library, as the URI says. */
  readonly module: { readonly path: string | undefined; readonly name: string | undefined };
}
