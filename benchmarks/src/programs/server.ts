import { KmsServer } from "../../../tests/servers/aws-kms/kms-server.ts";
import { KeyVaultServer } from "../../../tests/servers/azure-key-vault/server.ts";

export interface ServerContents {
  readonly kind: "aws-kms" | "azure-key-vault";
  /** secp256k1 keys, 32 bytes as hex. */
  readonly privateKeys: readonly string[];
  /** Keys of other kinds beside each. Default: 0. */
  readonly others?: number | undefined;
}

export type ServerMessage =
  | { readonly start: ServerContents }
  /** Counts the requests so far by the key that they name. */
  | { readonly count: string }
  /** Lets no request be answered from now on. */
  | { readonly hang: true };

export interface ServerReply {
  readonly url: string;
  /** KMS's key ids, or Key Vault's key names. */
  readonly keys: readonly string[];
  readonly count: number;
}

export const VAULT_TOKEN = "bench-token";

let running: { readonly reply: ServerReply; count(key: string): number; hang(): void } | undefined;

/** Starts one of the tests' servers, or asks it something. */
export async function answer(message: ServerMessage): Promise<ServerReply> {
  if ("start" in message) {
    running = message.start.kind === "aws-kms" ? await startKms(message.start) : await startVault(message.start);
  }
  if (!running) throw new Error("the server was not started");
  if ("hang" in message) running.hang();
  return { ...running.reply, count: "count" in message ? running.count(message.count) : 0 };
}

async function startKms({ privateKeys, others = 0 }: ServerContents): Promise<typeof running> {
  const server = await KmsServer.start();
  const keys = privateKeys.map((privateKey) => {
    for (let other = 0; other < others; other += 1) server.ring.createKey("SYMMETRIC_DEFAULT");
    return server.ring.importKey(privateKey).keyId;
  });
  return {
    reply: { url: server.url, keys, count: 0 },
    count: (key) => server.requests.filter(({ input }) => String(input["KeyId"]).includes(key)).length,
    hang: () => server.faults.add({ kind: "hang" }),
  };
}

async function startVault({ privateKeys, others = 0 }: ServerContents): Promise<typeof running> {
  const server = await KeyVaultServer.start();
  server.tokens.add(VAULT_TOKEN);
  const keys = privateKeys.map((privateKey, index) => {
    for (let other = 0; other < others; other += 1) server.vault.put(`other-${index}-${other}`, { curve: "P-256" });
    server.vault.put(`key-${index}`, { privateKey });
    return `key-${index}`;
  });
  return {
    reply: { url: server.url, keys, count: 0 },
    count: (key) => server.log.filter(({ path }) => path.startsWith(`/keys/${key}/`)).length,
    hang: () => server.faults.add("hang"),
  };
}
