import type { GcpKmsKeyOptions } from "../gcp-kms/index.ts";
import type { Pkcs11KeyOptions } from "../pkcs11/index.ts";

/** A key's URI, taken apart: the backend that it names, and that backend's options, without a credential or a PIN. */
export type KeyUri = AwsKmsKeyUri | AzureKeyVaultKeyUri | GcpKmsKeyUri | Pkcs11KeyUri;

/** AWS KMS. The options are written out: `KmsKeyOptions` needs the types of AWS's SDK, which need not be installed. */
export interface AwsKmsKeyUri {
  readonly backend: "aws-kms";
  /** What the URI says, as options of a `KmsKey`. */
  readonly options: {
    readonly keyId?: string;
    readonly region?: string;
    readonly profile?: string;
    readonly endpoint?: string;
    readonly useFipsEndpoint?: boolean;
  };
}

/** Azure Key Vault and Managed HSM. The options are written out, as AWS's are. */
export interface AzureKeyVaultKeyUri {
  readonly backend: "azure-key-vault";
  /** What the URI says, as options of an `AzureKeyVaultKey`. */
  readonly options: {
    readonly vaultUrl?: string;
    readonly keyName?: string;
    readonly keyVersion?: string;
    readonly allowInsecureConnection?: boolean;
    readonly disableChallengeResourceVerification?: boolean;
    readonly serviceVersion?: string;
  };
}

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
