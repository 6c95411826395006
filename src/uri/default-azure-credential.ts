import { SignerError } from "../core/errors.ts";

/**
 * The chain of @azure/identity: environment, workload identity, managed identity, then developers' tools, as far as
 * AZURE_TOKEN_CREDENTIALS permits. It asks for nothing yet.
 *
 * @throws SignerError DEPENDENCY_MISSING.
 */
export async function defaultAzureCredential() {
  let identity: typeof import("@azure/identity");
  try {
    identity = await import("@azure/identity");
  } catch (cause) {
    throw new SignerError(
      "DEPENDENCY_MISSING",
      "the package @azure/identity cannot be loaded: run npm install @azure/identity, or pass a credential of your own",
      { backend: "azure-key-vault", operation: "import", cause },
    );
  }
  return new identity.DefaultAzureCredential();
}
