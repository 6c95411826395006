import { SignerError } from "../core/errors.ts";

/** @throws SignerError DEPENDENCY_MISSING where the package is not installed. */
export async function importKeyVaultKeys(): Promise<typeof import("@azure/keyvault-keys")> {
  try {
    return await import("@azure/keyvault-keys");
  } catch (cause) {
    throw missing("@azure/keyvault-keys", "Azure Key Vault needs it", cause);
  }
}

/** @throws SignerError DEPENDENCY_MISSING where the package is not installed. */
export async function importIdentity(): Promise<typeof import("@azure/identity")> {
  try {
    return await import("@azure/identity");
  } catch (cause) {
    throw missing("@azure/identity", "clientSecret needs it; with a credential of your own it is not used", cause);
  }
}

function missing(name: string, why: string, cause: unknown): SignerError {
  return new SignerError(
    "DEPENDENCY_MISSING",
    `the package ${name} cannot be loaded: run npm install ${name} (${why})`,
    {
      operation: "import",
      cause,
    },
  );
}
