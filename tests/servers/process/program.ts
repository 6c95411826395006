// One test server in a process of its own, so that it can be killed. It ends with its parent.

import { type KmsFault, KmsServer } from "../aws-kms/kms-server.ts";
import type { KeyVaultFault } from "../azure-key-vault/faults.ts";
import { KeyVaultServer } from "../azure-key-vault/server.ts";
import type { FromServer, PlannedFault, ServerSetUp, ServerStats, ToServer } from "./protocol.ts";

interface Running {
  readonly url: string;
  setFaults(faults: readonly PlannedFault[]): void;
  stats(): ServerStats;
}

// Keeps the version the same after a restart, as the service does.
const VERSION = "0123456789abcdef0123456789abcdef";

let running: Running | undefined;

process.on("disconnect", () => process.exit());
process.on("message", (message: ToServer) => {
  receive(message).catch((error: Error) => tell({ type: "failed", message: error.message }));
});

async function receive(message: ToServer): Promise<void> {
  if (message.type === "start") {
    running = await start(message.setUp);
    tell({ type: "listening", url: running.url });
    return;
  }
  if (!running) throw new Error("not started");
  if (message.type === "faults") running.setFaults(message.faults);
  tell({ type: "done", id: message.id, stats: running.stats() });
}

function start(setUp: ServerSetUp): Promise<Running> {
  return setUp.service === "aws-kms" ? startKms(setUp) : startKeyVault(setUp);
}

async function startKms({ keys, port }: ServerSetUp): Promise<Running> {
  const server = await KmsServer.start({ port });
  for (const { name, privateKey } of keys) server.ring.importKey(privateKey, { keyId: name });
  return {
    url: server.url,
    setFaults: (faults) => {
      server.faults.clear();
      for (const { fault, ...when } of faults) server.faults.add(fault as KmsFault, when);
    },
    stats: () => ({ openConnections: server.openConnections, signRequests: server.count("Sign") }),
  };
}

async function startKeyVault({ keys, tokens, port }: ServerSetUp): Promise<Running> {
  const server = await KeyVaultServer.start({ port });
  for (const { name, privateKey } of keys) server.vault.put(name, { privateKey, version: VERSION });
  for (const token of tokens) server.tokens.add(token);
  return {
    url: server.url,
    setFaults: (faults) => {
      server.faults.clear();
      for (const { fault, ...when } of faults) server.faults.add(keyVaultFault(fault), when);
    },
    stats: () => ({ openConnections: server.openConnections, signRequests: server.count("sign") }),
  };
}

function keyVaultFault(fault: PlannedFault["fault"]): KeyVaultFault {
  return fault.kind === "reset" || fault.kind === "hang" ? fault.kind : (fault as KeyVaultFault);
}

function tell(message: FromServer): void {
  process.send?.(message);
}
