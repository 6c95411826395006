import type { GcpKmsSignerOptions } from "../gcp-kms/index.ts";
import type { Pkcs11SignerOptions } from "../pkcs11/index.ts";
import type { RemoteSignerOptions } from "../signer/verified-key.ts";
import { libraryPathOf } from "./module-path.ts";
import type { KeyUri, Pkcs11KeyUri } from "./parsed-uri.ts";
import { pinFrom } from "./pin-source.ts";
import { requireUri } from "./refusal.ts";

/**
 * What a URI does not say: whose credentials, and everything else that the backend's signer or store accepts. The types of `awsKms` and
 * `azureKeyVault` are not stated here, since only one vendor's SDK may be installed: `satisfies Partial<KmsSignerOptions>` of
 * `ethers-hsm/aws-kms`, or `AzureKeyVaultSignerOptions` of `ethers-hsm/azure-key-vault`, has them checked.
 */
export interface KeyUriOptions extends RemoteSignerOptions {
  /** For an `aws-kms:` URI: options of a `KmsSigner`, for example `credentials`. Default: the SDK's own chain. */
  readonly awsKms?: object | undefined;
  /**
   * For an `azure-key-vault:` URI: options of an `AzureKeyVaultSigner`. Default of `credential`: `DefaultAzureCredential` of
   * @azure/identity.
   */
  readonly azureKeyVault?: object | undefined;
  /** For a `gcp-kms:` URI, for example `auth`. Default: Application Default Credentials by google-auth-library. */
  readonly gcpKms?: Partial<GcpKmsSignerOptions> | undefined;
  /** For a `pkcs11:` or a `cloudhsm:` URI, for example `pin` or `libraryPath`. */
  readonly pkcs11?: Partial<Pkcs11SignerOptions> | undefined;
}

type AllOptions = Readonly<Record<string, unknown>>;

const SHARED = ["expectedAddress", "timeout", "verifier", "policy", "audit", "requireCustody", "observer"] as const;

/**
 * The backend's own options. What the URI says cannot be said again beside it.
 *
 * @throws ethers' INVALID_ARGUMENT `uri`, also for options of another backend than the URI's.
 */
export async function optionsOf(uri: KeyUri, given: KeyUriOptions): Promise<AllOptions> {
  const { awsKms, azureKeyVault, gcpKms, pkcs11, ...shared } = given;
  const isPkcs11 = uri.backend === "pkcs11" || uri.backend === "cloudhsm";
  const own = { "aws-kms": awsKms, "azure-key-vault": azureKeyVault, "gcp-kms": gcpKms, pkcs11, cloudhsm: pkcs11 }[
    uri.backend
  ];
  for (const [name, options] of Object.entries({ awsKms, azureKeyVault, gcpKms, pkcs11 })) {
    requireUri(options === undefined || options === own, `the options ${name} are not for a URI of ${uri.backend}`);
  }
  const named = isPkcs11 ? pkcs11Options(uri) : uri.options;
  for (const name of Object.keys(named)) {
    const twice = own !== undefined && (own as AllOptions)[name] !== undefined;
    requireUri(!twice, `it says ${name} already: leave it out of the options, or out of the URI`);
  }
  const common = Object.fromEntries(
    SHARED.flatMap((name) => (shared[name] === undefined ? [] : [[name, shared[name]]])),
  );
  const options: AllOptions = { ...common, ...own, ...named };
  return uri.backend === "azure-key-vault" ? withCredential(options) : options;
}

function pkcs11Options({ options, module, pinSource }: Pkcs11KeyUri): AllOptions {
  const libraryPath = libraryPathOf(module);
  return {
    ...options,
    ...(libraryPath === undefined ? {} : { libraryPath }),
    ...(pinSource === undefined ? {} : { pin: pinFrom(pinSource) }),
  };
}

async function withCredential(options: AllOptions): Promise<AllOptions> {
  const { credential, client, tenantId, clientId, clientSecret } = options;
  if ([credential, client, tenantId, clientId, clientSecret].some((way) => way !== undefined)) return options;
  const { defaultAzureCredential } = await import("./default-azure-credential.ts");
  return { ...options, credential: await defaultAzureCredential() };
}
