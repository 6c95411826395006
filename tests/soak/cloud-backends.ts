import { hexlify, randomBytes } from "ethers";
import { startAwsKms, startKeyVault } from "../faults/clouds.ts";
import type { PlannedFault } from "../servers/process/protocol.ts";
import type { ServerProcess } from "../servers/process/server-process.ts";
import type { Backend, Disturbance } from "./backend.ts";

// Generous: no call may fail in calm, on a machine that has other work as well.
const TIMEOUT = 30_000;
const HASTY = 100;

export interface CloudBackend extends Backend {
  readonly server: ServerProcess;
  /** Ends the connections that the signers leave to the vendor's SDK. */
  endConnections(): void;
}

/** AWS KMS, as the unmodified SDK sees it. */
export async function kmsBackend(): Promise<CloudBackend> {
  const { server, address, open, endConnections } = await startAwsKms(hexlify(randomBytes(32)));
  const failure = { kind: "exception", name: "KMSInternalException", status: 500 } as const;
  return {
    name: "aws-kms",
    address,
    signer: open({ timeout: TIMEOUT }),
    hasty: open({ timeout: HASTY }),
    server,
    disturbances: [
      ...networkTroubles(server, "Sign"),
      told(server, "throttled", [{ fault: { kind: "throttle" }, operation: "Sign", probability: 0.4 }]),
      told(server, "internal failures", [{ fault: failure, operation: "Sign", probability: 0.4 }]),
      {
        ...told(server, "signatures by another key", [
          { fault: { kind: "wrong key" }, operation: "Sign", probability: 0.2 },
        ]),
        codes: ["SIGNATURE_MISMATCH"],
      },
    ],
    heal: () => heal(server),
    endConnections,
  };
}

/** Azure Key Vault, as the unmodified SDK sees it. Its tokens end after three minutes, and are renewed again and again. */
export async function keyVaultBackend(): Promise<CloudBackend> {
  const { server, address, open, endConnections } = await startKeyVault(hexlify(randomBytes(32)));
  const throttled = (retryAfter?: number): PlannedFault => ({
    fault: { kind: "throttle", ...(retryAfter === undefined ? {} : { retryAfter }) },
    operation: "sign",
    probability: 0.3,
  });
  const failure = { kind: "error", status: 503, code: "ServiceUnavailable", message: "try again" } as const;
  return {
    name: "azure-key-vault",
    address,
    signer: open({ timeout: TIMEOUT, retryOptions: undefined }),
    hasty: open({ timeout: HASTY, retryOptions: undefined }),
    server,
    disturbances: [
      ...networkTroubles(server, "sign"),
      told(server, "throttled", [throttled()]),
      told(server, "throttled, come back in a second", [throttled(1)]),
      told(server, "internal failures", [{ fault: failure, operation: "sign", probability: 0.4 }]),
      {
        ...told(server, "a signature that is none", [
          { fault: { kind: "value", value: "AAAA" }, operation: "sign", probability: 0.2 },
        ]),
        codes: ["BACKEND_RESPONSE_INVALID"],
      },
    ],
    heal: () => heal(server),
    endConnections,
  };
}

function networkTroubles(server: ServerProcess, operation: string): Disturbance[] {
  return [
    { name: "killed and restarted", ms: 300, strike: () => server.restart() },
    { name: "down for a while", ms: 2_000, strike: () => server.kill() },
    told(server, "slow", [{ fault: { kind: "slow", ms: 1_000 }, operation, probability: 0.5 }]),
    told(server, "connections reset", [{ fault: { kind: "reset" }, operation, probability: 0.3 }]),
    told(server, "some requests hang", [{ fault: { kind: "hang" }, operation, probability: 0.05 }]),
  ];
}

function told(server: ServerProcess, name: string, faults: readonly PlannedFault[]): Disturbance {
  return { name, ms: 10_000, strike: () => server.setFaults(faults) };
}

async function heal(server: ServerProcess): Promise<void> {
  if (!server.isRunning) await server.restart();
  await server.setFaults([]);
}
