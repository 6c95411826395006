import type { KeyStore } from "../../src/accounts/key-store.ts";
import { KmsKeyStore, KmsSigner } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultKeyStore, AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { GcpKmsKeyStore, GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { PRIVATE_KEY as AWS_PRIVATE_KEY, CREDENTIALS, startKms } from "../aws-kms/support.ts";
import {
  PRIVATE_KEY as AZURE_PRIVATE_KEY,
  TOKEN as AZURE_TOKEN,
  KEY_NAME,
  optionsFor,
  startServer,
} from "../azure-key-vault/setup.ts";
import {
  PRIVATE_KEY as GOOGLE_PRIVATE_KEY,
  TOKEN as GOOGLE_TOKEN,
  RING,
  startServer as startGcpKms,
  VERSION,
  wayTo,
} from "../gcp-kms/setup.ts";
import type { KmsFault } from "../servers/aws-kms/kms-server.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { HttpReply, Stream } from "../servers/support/loopback-server.ts";

/** What a test does with a cloud, whatever the vendor calls it. */
type CloudOperation = "sign" | "getKey" | "list" | "create" | "import";

/** An answer, or one that the test writes; none at all; the right one, so many milliseconds later, or with other fields. */
export type CloudFault =
  | HttpReply
  | { readonly stream: Stream }
  | "hang"
  | "reset"
  | { readonly slow: number }
  | { readonly fields: Fields };

export type Fields = Readonly<Record<string, unknown>>;

interface CloudOptions {
  readonly timeout?: number;
  readonly expectedAddress?: string;
  /** In place of the server's. */
  readonly endpoint?: string;
  /** Without the SDK's retries; Google's are this package's own, and stay. */
  readonly once?: true;
  /** Parts of the key's identifier, before and after it. */
  readonly around?: readonly [before: string, after: string];
}

/** A vendor's service on this machine, with one key that can sign. */
export interface Cloud {
  readonly backend: string;
  /** Of the key that exists. */
  readonly privateKey: string;
  /** Credentials, which no output may show. */
  readonly secrets: readonly string[];
  /** The header in which a request has its token, as a refusal may repeat it. */
  readonly tokenHeader: string;
  /** The most connections that may stay open once nothing is in use. */
  readonly idleConnections: number;
  openConnections(): number;
  /** The `info.source` of the service's own failures. */
  readonly service: string;
  signer(options?: CloudOptions): RemoteSigner;
  store(options?: CloudOptions): KeyStore;
  /** The `info.errorCode` of a refusal with 403 and AccessDenied. */
  readonly deniedCode: string;
  /** The identifier of refused requests; Google has none. */
  readonly requestId: string | undefined;
  /** The name of the key that exists, as `createKey` has it. */
  readonly taken: string;
  readonly free: string;
  /** Answers so to an operation; or not at all. */
  fail(operation: CloudOperation, outcome: CloudFault, times?: number): void;
  /** A refusal of the service itself, with its code. */
  refusal(status: number, code: string, text?: string): HttpReply;
  heal(): void;
  /** How many requests came; of `create`, in Google Cloud, how many made a key. */
  count(operation: CloudOperation): number;
  /** How many requests came in all. */
  requests(): number;
  close(): Promise<void>;
}

export const CLOUDS: readonly (readonly [name: string, start: () => Promise<Cloud>])[] = [
  ["AWS KMS", startAws],
  ["Azure Key Vault", startAzure],
  ["Google Cloud KMS", startGoogle],
];

const REFUSED = "The service says no.";

async function startAws(): Promise<Cloud> {
  const { server, key } = await startKms();
  server.ring.putAlias("alias/taken", key);
  const credentials = { ...CREDENTIALS, sessionToken: "a-session-token-that-no-log-may-show" };
  const place = { region: server.region, endpoint: server.url, credentials };
  const names = {
    sign: "Sign",
    getKey: "GetPublicKey",
    list: "ListKeys",
    create: "CreateKey",
    import: "ImportKeyMaterial",
  } as const;
  return {
    ...{ deniedCode: "AccessDeniedException", requestId: "request-1" },
    ...{ backend: "aws-kms", service: "AWS KMS", taken: "alias/taken", free: "alias/free" },
    ...{ privateKey: AWS_PRIVATE_KEY, secrets: [credentials.secretAccessKey, credentials.sessionToken] },
    tokenHeader: `X-Amz-Security-Token: ${credentials.sessionToken}`,
    ...{ idleConnections: 0, openConnections: () => server.openConnections },
    signer: ({ around: [before, after] = ["", ""], once, ...more } = {}) =>
      new KmsSigner({ ...place, ...more, ...(once && { maxAttempts: 1 }), keyId: `${before}${key.keyId}${after}` }),
    store: ({ around: _around, expectedAddress: _address, once, ...more } = {}) =>
      new KmsKeyStore({ ...place, ...more, ...(once && { maxAttempts: 1 }) }),
    fail(operation, outcome, times) {
      const fault: KmsFault =
        typeof outcome === "string"
          ? { kind: outcome }
          : "fields" in outcome
            ? { kind: "alter", alter: (answer) => ({ ...answer, ...outcome.fields }) }
            : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status, code, text = REFUSED) => ({
      ...{ status, headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "request-1" } },
      body: JSON.stringify({ __type: `${code}Exception`, message: text }),
    }),
    heal: () => server.faults.clear(),
    count: (operation) => server.count(names[operation]),
    requests: () => server.requests.length,
    close: () => server.close(),
  };
}

async function startAzure(): Promise<Cloud> {
  const server = await startServer();
  /** `value` is the signature's; other fields are the key's, in the right answer to getKey. */
  const changed = ({ value, ...fields }: Fields): KeyVaultFault => {
    if (Object.keys(fields).length === 0) return { kind: "value", value };
    const bundle = server.vault.versions(KEY_NAME)[0]?.bundle(server.kid(KEY_NAME)) as { readonly key: object };
    const body = JSON.stringify({ ...bundle, key: { ...bundle.key, ...fields } });
    return { kind: "reply", reply: { status: 200, headers: { "content-type": "application/json" }, body } };
  };
  const names = { sign: "sign", getKey: "getKey", list: "listKeys", create: "createKey", import: "importKey" } as const;
  return {
    ...{ deniedCode: "AccessDenied", requestId: "request-1" },
    ...{ backend: "azure-key-vault", service: "Azure Key Vault", taken: KEY_NAME, free: "free" },
    ...{ privateKey: AZURE_PRIVATE_KEY, secrets: [AZURE_TOKEN], tokenHeader: `Bearer ${AZURE_TOKEN}` },
    // The SDK's pool may keep one.
    ...{ idleConnections: 1, openConnections: () => server.openConnections },
    signer: ({ around: [before, after] = ["", ""], once, endpoint: vaultUrl = server.url, ...more } = {}) =>
      new AzureKeyVaultSigner({
        ...{ ...optionsFor(server, once && { retryOptions: { maxRetries: 0 } }), vaultUrl, ...more },
        keyName: `${before}${KEY_NAME}${after}`,
      }),
    store: ({ around: _around, expectedAddress: _address, endpoint: _endpoint, once, ...more } = {}) => {
      const { keyName: _key, ...place } = optionsFor(server, once && { retryOptions: { maxRetries: 0 } });
      return new AzureKeyVaultKeyStore({ ...place, ...more } as ConstructorParameters<typeof AzureKeyVaultKeyStore>[0]);
    },
    fail(operation, outcome, times) {
      const fault: KeyVaultFault =
        typeof outcome === "string" ? outcome : "fields" in outcome ? changed(outcome.fields) : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status, code, text = REFUSED) => ({
      ...{ status, headers: { "content-type": "application/json", "x-ms-request-id": "request-1" } },
      body: JSON.stringify({ error: { code, message: text } }),
    }),
    heal: () => server.faults.clear(),
    count: (operation) => server.count(names[operation]),
    requests: () => server.count(),
    close: () => server.close(),
  };
}

async function startGoogle(): Promise<Cloud> {
  const server = await startGcpKms();
  const names = {
    sign: "asymmetricSign",
    getKey: "getPublicKey",
    list: "listCryptoKeys",
    create: "createCryptoKey",
    import: "importCryptoKeyVersion",
  } as const;
  const statuses: Readonly<Record<number, string>> = {
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
  };
  return {
    ...{ backend: "gcp-kms", service: "Cloud KMS", taken: "treasury", free: "free" },
    ...{ deniedCode: "PERMISSION_DENIED", requestId: undefined },
    ...{ privateKey: GOOGLE_PRIVATE_KEY, secrets: [GOOGLE_TOKEN], tokenHeader: `Bearer ${GOOGLE_TOKEN}` },
    // They are the platform's.
    ...{ idleConnections: Number.POSITIVE_INFINITY, openConnections: () => server.openConnections },
    signer: ({ around: [before, after] = ["", ""], once: _once, ...more } = {}) =>
      new GcpKmsSigner({ ...wayTo(server), ...more, keyVersion: `${before}${VERSION}${after}` }),
    store: ({ around: _around, expectedAddress: _address, once: _once, ...more } = {}) =>
      new GcpKmsKeyStore({ ...wayTo(server), ...more, parent: RING }),
    fail(operation, outcome, times) {
      const fault: GcpKmsFault =
        typeof outcome === "string"
          ? outcome
          : "fields" in outcome
            ? { kind: "fields", fields: outcome.fields }
            : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status, _code, text = REFUSED) => ({
      ...{ status, headers: { "content-type": "application/json" } },
      body: JSON.stringify({ error: { code: status, status: statuses[status], message: text } }),
    }),
    heal: () => server.faults.clear(),
    count: (operation) => (operation === "create" ? server.rings.keys.size - 1 : server.count(names[operation])),
    requests: () => server.count(),
    close: () => server.close(),
  };
}

function faultOf(outcome: HttpReply | { readonly stream: Stream } | { readonly slow: number }) {
  if ("stream" in outcome) return { kind: "stream", stream: outcome.stream } as const;
  return "slow" in outcome
    ? ({ kind: "slow", ms: outcome.slow } as const)
    : ({ kind: "reply", reply: outcome } as const);
}
