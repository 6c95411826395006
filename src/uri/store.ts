import type { KeyStore } from "../accounts/key-store.ts";
import type { KmsStoreOptions } from "../aws-kms/index.ts";
import type { AzureKeyVaultStoreOptions } from "../azure-key-vault/index.ts";
import type { CloudHsmStoreOptions } from "../cloudhsm/index.ts";
import type { GcpKmsStoreOptions } from "../gcp-kms/index.ts";
import type { Pkcs11StoreOptions } from "../pkcs11/index.ts";
import { placeOf } from "./gcp-kms-uri.ts";
import { parseKeyUri } from "./key-uri.ts";
import { type KeyUriOptions, optionsOf } from "./options.ts";
import { requireLibrary } from "./signer.ts";

/** What {@link storeFromUri} takes besides: which of the place's keys. */
export interface StoreUriOptions
  extends Omit<KeyUriOptions, "expectedAddress" | "policy" | "audit" | "requireCustody"> {
  /** Only keys whose alias, name or label begins like this. */
  readonly prefix?: string | undefined;
}

const ARN = /^arn:[^:]+:kms:(?<region>[^:]+):/;

/**
 * The store that holds what a URI names: the account and Region, the vault, or the token. The part of the URI that names a key
 * may be missing, and is not looked at; but for an ARN's Region. It loads that backend alone, and sends nothing.
 *
 * @throws ethers' INVALID_ARGUMENT; SignerError DEPENDENCY_MISSING where @azure/identity or a library is not installed.
 * @example
 * const store = await storeFromUri("pkcs11:token=treasury?module-name=softhsm2&pin-source=env:HSM_PIN");
 */
export async function storeFromUri(uri: string, { prefix, ...options }: StoreUriOptions = {}): Promise<KeyStore> {
  const parsed = parseKeyUri(uri);
  const { keyId, keyName: _name, keyVersion: _version, keyLabel: _label, ...place } = await optionsOf(parsed, options);
  switch (parsed.backend) {
    case "aws-kms": {
      const { KmsKeyStore } = await import("../aws-kms/index.ts");
      const region = ARN.exec(String(keyId))?.groups?.["region"];
      const namePrefix = prefix && `alias/${prefix.replace(/^alias\//, "")}`;
      return new KmsKeyStore({ ...(region ? { region } : {}), ...place, namePrefix } as KmsStoreOptions);
    }
    case "azure-key-vault": {
      const { AzureKeyVaultKeyStore } = await import("../azure-key-vault/index.ts");
      return new AzureKeyVaultKeyStore({ ...place, namePrefix: prefix } as AzureKeyVaultStoreOptions);
    }
    case "gcp-kms": {
      const { GcpKmsKeyStore } = await import("../gcp-kms/index.ts");
      return new GcpKmsKeyStore({
        ...place,
        parent: placeOf(parsed.resource),
        namePrefix: prefix,
      } as GcpKmsStoreOptions);
    }
    case "pkcs11": {
      requireLibrary(place);
      const { Pkcs11KeyStore } = await import("../pkcs11/index.ts");
      return new Pkcs11KeyStore({ ...place, namePrefix: prefix } as unknown as Pkcs11StoreOptions);
    }
    case "cloudhsm": {
      const { CloudHsmKeyStore } = await import("../cloudhsm/index.ts");
      return new CloudHsmKeyStore({ ...place, namePrefix: prefix } as CloudHsmStoreOptions);
    }
  }
}
