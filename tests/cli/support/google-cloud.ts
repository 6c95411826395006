import { GcpKmsServer } from "../../servers/gcp-kms/server.ts";
import { LoopbackServer, type LoopbackServerOptions } from "../../servers/support/loopback-server.ts";

/** Cloud KMS on loopback, and the metadata server of a machine with a service account. */
export interface GoogleCloud {
  readonly server: GcpKmsServer;
  /** What Application Default Credentials need to find the service account. */
  readonly env: Readonly<Record<string, string>>;
  readonly token: string;
  readonly email: string;
  close(): Promise<void>;
}

/** https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys */
export async function startGoogleCloud(options: LoopbackServerOptions = {}): Promise<GoogleCloud> {
  const server = await GcpKmsServer.start(options);
  const [token, email] = ["ya29.planted-token", "signer@acme.iam.gserviceaccount.com"];
  server.tokens.add(token);
  const metadata = await LoopbackServer.start(async ({ url }) => {
    const headers = { "metadata-flavor": "Google", "content-type": "application/json" };
    const account = `/computeMetadata/v1/instance/service-accounts/default`;
    if (url.pathname === `${account}/token`) {
      return {
        status: 200,
        headers,
        body: JSON.stringify({ access_token: token, expires_in: 3600, token_type: "Bearer" }),
      };
    }
    if (url.pathname === `${account}/`) return { status: 200, headers, body: JSON.stringify({ email, scopes: [] }) };
    if (url.pathname === `${account}/email`)
      return { status: 200, headers: { "metadata-flavor": "Google" }, body: email };
    if (url.pathname.endsWith("/universe-domain")) return { status: 404, headers, body: "" };
    return { status: 200, headers: { "metadata-flavor": "Google" }, body: "acme" };
  });
  return {
    ...{
      server,
      token,
      email,
      env: { GCE_METADATA_HOST: new URL(metadata.url).host, METADATA_SERVER_DETECTION: "assume-present" },
    },
    close: async () => {
      await Promise.all([server.close(), metadata.close()]);
    },
  };
}
