import type { KeyStore } from "../../src/accounts/key-store.ts";
import { KmsKeyStore, KmsSigner } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultKeyStore, AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { GcpKmsKeyStore, GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { CREDENTIALS, startKms } from "../aws-kms/support.ts";
import { KEY_NAME, optionsFor, startServer } from "../azure-key-vault/setup.ts";
import { RING, startServer as startGcpKms, VERSION, wayTo } from "../gcp-kms/setup.ts";
import type { HttpReply } from "../servers/support/loopback-server.ts";

/** What a test does with a cloud, whatever the vendor calls it. */
type CloudOperation = "sign" | "getKey" | "list" | "create";

/** An answer; none at all; or the right one, so many milliseconds later. */
type CloudFault = HttpReply | "hang" | { readonly slow: number };

interface CloudOptions {
  readonly timeout?: number;
  /** Parts of the key's identifier, before and after it. */
  readonly around?: readonly [before: string, after: string];
}

/** A vendor's service on this machine, with one key that can sign. */
export interface Cloud {
  readonly backend: string;
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
  refusal(status: number, code: string): HttpReply;
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

async function startAws(): Promise<Cloud> {
  const { server, key } = await startKms();
  server.ring.putAlias("alias/taken", key);
  const place = { region: server.region, endpoint: server.url, credentials: CREDENTIALS };
  const names = { sign: "Sign", getKey: "GetPublicKey", list: "ListKeys", create: "CreateKey" } as const;
  return {
    ...{ deniedCode: "AccessDeniedException", requestId: "request-1" },
    ...{ backend: "aws-kms", service: "AWS KMS", taken: "alias/taken", free: "alias/free" },
    signer: ({ around: [before, after] = ["", ""], ...more } = {}) =>
      new KmsSigner({ ...place, ...more, keyId: `${before}${key.keyId}${after}` }),
    store: ({ around: _around, ...more } = {}) => new KmsKeyStore({ ...place, ...more }),
    fail(operation, outcome, times) {
      const fault = outcome === "hang" ? ({ kind: "hang" } as const) : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status, code) => ({
      ...{ status, headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "request-1" } },
      body: JSON.stringify({ __type: `${code}Exception`, message: "The service says no." }),
    }),
    heal: () => server.faults.clear(),
    count: (operation) => server.count(names[operation]),
    requests: () => server.requests.length,
    close: () => server.close(),
  };
}

async function startAzure(): Promise<Cloud> {
  const server = await startServer();
  const names = { sign: "sign", getKey: "getKey", list: "listKeys", create: "createKey" } as const;
  return {
    ...{ deniedCode: "AccessDenied", requestId: "request-1" },
    ...{ backend: "azure-key-vault", service: "Azure Key Vault", taken: KEY_NAME, free: "free" },
    signer: ({ around: [before, after] = ["", ""], ...more } = {}) =>
      new AzureKeyVaultSigner({ ...optionsFor(server), ...more, keyName: `${before}${KEY_NAME}${after}` }),
    store: ({ around: _around, ...more } = {}) => {
      const { keyName: _key, ...place } = optionsFor(server);
      return new AzureKeyVaultKeyStore({ ...place, ...more } as ConstructorParameters<typeof AzureKeyVaultKeyStore>[0]);
    },
    fail(operation, outcome, times) {
      const fault = outcome === "hang" ? "hang" : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status, code) => ({
      ...{ status, headers: { "content-type": "application/json", "x-ms-request-id": "request-1" } },
      body: JSON.stringify({ error: { code, message: "The service says no." } }),
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
  } as const;
  const statuses: Readonly<Record<number, string>> = {
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
  };
  return {
    ...{ backend: "gcp-kms", service: "Cloud KMS", taken: "treasury", free: "free" },
    ...{ deniedCode: "PERMISSION_DENIED", requestId: undefined },
    signer: ({ around: [before, after] = ["", ""], ...more } = {}) =>
      new GcpKmsSigner({ ...wayTo(server), ...more, keyVersion: `${before}${VERSION}${after}` }),
    store: ({ around: _around, ...more } = {}) => new GcpKmsKeyStore({ ...wayTo(server), ...more, parent: RING }),
    fail(operation, outcome, times) {
      const fault = outcome === "hang" ? "hang" : faultOf(outcome);
      server.faults.add(fault, { operation: names[operation], times });
    },
    refusal: (status) => ({
      ...{ status, headers: { "content-type": "application/json" } },
      body: JSON.stringify({ error: { code: status, status: statuses[status], message: "The service says no." } }),
    }),
    heal: () => server.faults.clear(),
    count: (operation) => (operation === "create" ? server.rings.keys.size - 1 : server.count(names[operation])),
    requests: () => server.count(),
    close: () => server.close(),
  };
}

function faultOf(outcome: HttpReply | { readonly slow: number }) {
  return "slow" in outcome
    ? ({ kind: "slow", ms: outcome.slow } as const)
    : ({ kind: "reply", reply: outcome } as const);
}
