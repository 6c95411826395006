import { computeAddress, id } from "ethers";
import { Program } from "./program.ts";
import { type ServerMessage, type ServerReply, VAULT_TOKEN } from "./programs/server.ts";

/** What reaches one key of the KMS server; it can be sent to another process. */
export interface KmsTarget {
  readonly endpoint: string;
  readonly region: string;
  readonly keyId: string;
  readonly address: string;
}

/** What reaches one key of the Key Vault server; it can be sent to another process. */
export interface VaultTarget {
  readonly vaultUrl: string;
  readonly keyName: string;
  readonly token: string;
  readonly address: string;
}

/** A server of the tests in a process of its own, with so many secp256k1 keys. */
export class BackendServer {
  readonly #program: Program<ServerMessage, ServerReply>;
  readonly #reply: ServerReply;

  private constructor(program: Program<ServerMessage, ServerReply>, reply: ServerReply) {
    this.#program = program;
    this.#reply = reply;
  }

  static async start(kind: "aws-kms" | "azure-key-vault", keys = 1, others = 0): Promise<BackendServer> {
    const program = Program.start<ServerMessage, ServerReply>(new URL("programs/server.ts", import.meta.url));
    const privateKeys = Array.from({ length: keys }, (_, index) => privateKey(index));
    return new BackendServer(program, await program.ask({ start: { kind, privateKeys, others } }));
  }

  get url(): string {
    return this.#reply.url;
  }

  kmsTarget(index = 0): KmsTarget {
    return { endpoint: this.url, region: "eu-west-1", keyId: this.#key(index), address: addressOf(index) };
  }

  vaultTarget(index = 0): VaultTarget {
    return { vaultUrl: this.url, keyName: this.#key(index), token: VAULT_TOKEN, address: addressOf(index) };
  }

  /** How many requests named that key so far. */
  async requestsFor(index: number): Promise<number> {
    return (await this.#program.ask({ count: this.#key(index) })).count;
  }

  /** From now on it takes requests and answers none. */
  async hang(): Promise<void> {
    await this.#program.ask({ hang: true });
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }

  #key(index: number): string {
    const key = this.#reply.keys[index];
    if (key === undefined) throw new Error(`the server has no key ${index}`);
    return key;
  }
}

function addressOf(index: number): string {
  return computeAddress(privateKey(index));
}

function privateKey(index: number): string {
  return id(`key ${index} of the benchmark`);
}
