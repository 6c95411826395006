import { awsKmsBackend } from "./aws-kms-backend.ts";
import { azureKeyVaultBackend } from "./azure-key-vault-backend.ts";
import type { DemoBackend } from "./backend.ts";
import { cloudHsmBackend } from "./cloudhsm-backend.ts";
import { gcpKmsBackend } from "./gcp-kms-backend.ts";
import { pkcs11Backend } from "./pkcs11-backend.ts";
import { softHsmBackend } from "./softhsm-backend.ts";

/** By the word of `--backend`. Without a key each brings a stand-in of the service, and a new key. */
export const BACKENDS: Readonly<Record<string, (key: string | undefined) => DemoBackend>> = {
  pkcs11: (key) => (key === undefined ? softHsmBackend("pkcs11") : pkcs11Backend(key)),
  cloudhsm: (key) => (key === undefined ? softHsmBackend("cloudhsm") : cloudHsmBackend(key)),
  "aws-kms": awsKmsBackend,
  "azure-key-vault": azureKeyVaultBackend,
  "gcp-kms": gcpKmsBackend,
};
