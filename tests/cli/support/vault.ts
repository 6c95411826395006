import { KeyVaultServer } from "../../servers/azure-key-vault/server.ts";
import { LoopbackServer, type LoopbackServerOptions } from "../../servers/support/loopback-server.ts";

/** Key Vault on loopback, and a managed identity's token service for it, as Azure App Service has one. */
export interface VaultWithIdentity {
  readonly server: KeyVaultServer;
  /** What the SDK's own chain of credentials needs to find the identity. */
  readonly env: Readonly<Record<string, string>>;
  /** What a URI needs for a server without TLS that is not Azure's. */
  readonly query: string;
  readonly claims: Readonly<Record<string, string>>;
  readonly token: string;
  close(): Promise<void>;
}

const CLAIMS = {
  oid: "aaaaaaaa-0000-4000-8000-000000000001",
  appid: "bbbbbbbb-0000-4000-8000-000000000002",
  tid: "cccccccc-0000-4000-8000-000000000003",
};

/** https://learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference" */
export async function startVault(options: LoopbackServerOptions = {}): Promise<VaultWithIdentity> {
  const server = await KeyVaultServer.start(options);
  const part = (value: object | string) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const token = [part({ alg: "none" }), part(CLAIMS), part("planted-signature")].join(".");
  server.tokens.add(token);
  const identity = await LoopbackServer.start(async ({ url, headers }) => {
    if (headers["x-identity-header"] !== "planted-header") return { status: 401, body: "{}" };
    const expires = Math.round(Date.now() / 1_000) + 3_600;
    const body = {
      access_token: token,
      expires_on: `${expires}`,
      resource: url.searchParams.get("resource"),
      token_type: "Bearer",
    };
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  });
  return {
    server,
    env: {
      AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
      IDENTITY_ENDPOINT: `${identity.url}/msi/token`,
      IDENTITY_HEADER: "planted-header",
    },
    query: "allowInsecureConnection=true&disableChallengeResourceVerification=true",
    ...{ claims: CLAIMS, token },
    close: async () => {
      await Promise.all([server.close(), identity.close()]);
    },
  };
}
