import type { KmsFault } from "../aws-kms/kms-server.ts";
import type { KeyVaultFault } from "../azure-key-vault/faults.ts";
import type { FaultOptions } from "../support/fault-plan.ts";

/** A key by the name that the service gives it, and its private half: 32 bytes as hex. */
interface ServedKey {
  /** AWS KMS: the key's id. Key Vault: the key's name. */
  readonly name: string;
  readonly privateKey: string;
}

/** What a server's process is started with. */
export interface ServerSetUp {
  readonly service: "aws-kms" | "azure-key-vault";
  readonly keys: readonly ServedKey[];
  /** The bearer tokens that Key Vault takes. */
  readonly tokens: readonly string[];
  /** 0 for any free one. */
  readonly port: number;
}

/** A fault that can be told to another process, of either service; `reset` and `hang` are in the words of KMS's. */
export interface PlannedFault extends FaultOptions {
  readonly fault: Exclude<KmsFault | Exclude<KeyVaultFault, string>, { readonly kind: "stream" | "alter" }>;
}

export interface ServerStats {
  readonly openConnections: number;
  /** Requests to sign that arrived since the process was started. */
  readonly signRequests: number;
}

export type ToServer =
  | { readonly type: "start"; readonly setUp: ServerSetUp }
  | { readonly type: "faults"; readonly id: number; readonly faults: readonly PlannedFault[] }
  | { readonly type: "stats"; readonly id: number };

export type FromServer =
  | { readonly type: "listening"; readonly url: string }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "done"; readonly id: number; readonly stats: ServerStats };
