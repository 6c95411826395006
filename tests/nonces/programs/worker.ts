// A process that sends from an account which others send from too, and that stops where it is told to. Its argument is a Job, as JSON.

import { JsonRpcProvider, Network } from "ethers";
import { withNonces } from "../../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { MemoryKey } from "../../support/memory-key.ts";
import { clients } from "../support/shared-stores.ts";
import { type StopPoint, stopAt } from "../support/stop-points.ts";

/** What the process is to do. */
export interface Job {
  readonly client: keyof typeof clients;
  readonly port: number;
  readonly rpc: string;
  readonly secret: string;
  readonly to: string;
  readonly grace: number;
  /** Payments of 1 wei each, one after the other, until each succeeds. */
  readonly keys: readonly string[];
  /** Where and how to stop; the process writes "stopped" before. */
  readonly stop?: { readonly point: StopPoint; readonly how: "kill" | "hang" };
  /** Milliseconds between two payments; the process then writes the key of each that was sent. */
  readonly pause?: number;
  /** Whether each payment is replaced, until the process stops. */
  readonly replaces?: boolean;
  /** How often the key fails: 0 to 1. */
  readonly failingKey?: number;
}

/** What the process writes in the end. */
export interface Summary {
  readonly hashes: readonly string[];
  readonly signatures: number;
  readonly failures: Readonly<Record<string, number>>;
}

// It ends with the process that started it.
process.stdin.on("end", () => process.exit(1)).resume();

const job = JSON.parse(process.argv[2] ?? "") as Job;
const network = new Network("anvil", 31337n);
const provider = new JsonRpcProvider(job.rpc, network, {
  staticNetwork: network,
  cacheTimeout: -1,
  pollingInterval: 50,
});
const { store, close } = await clients[job.client](job.port);
const key = new MemoryKey(job.secret);
const sign = key.signDigest.bind(key);
key.signDigest = async (...parameters) => {
  if (Math.random() < (job.failingKey ?? 0)) throw new Error("the key failed");
  return sign(...parameters);
};

const parts = { signer: new RemoteSigner(key, provider), store };
const { stop } = job;
const stopped = stop ? stopAt(parts, stop.point, () => end(stop.how)) : parts;
const signer = withNonces(stopped.signer, stopped.store, { grace: job.grace, timeout: 10_000 });

const hashes: string[] = [];
const failures: Record<string, number> = {};
for (const idempotencyKey of job.keys) {
  for (let isDone = false; !isDone; ) {
    try {
      const { hash } = await signer.sendTransaction({ to: job.to, value: 1n, customData: { idempotencyKey } });
      hashes.push(hash);
      if (job.replaces) await signer.replace(hash);
      if (job.pause !== undefined) {
        process.stdout.write(`${idempotencyKey}\n`);
        await new Promise((resolve) => setTimeout(resolve, job.pause));
      }
      isDone = true;
    } catch (error) {
      const { code = "none" } = error as { code?: string };
      failures[code] = (failures[code] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, 50 * Math.random()));
    }
  }
}
const summary: Summary = { hashes, signatures: key.signatures, failures };
process.stdout.write(`${JSON.stringify(summary)}\n`);
provider.destroy();
await close();
process.stdin.destroy();

async function end(how: "kill" | "hang"): Promise<void> {
  await new Promise((resolve) => process.stdout.write("stopped\n", resolve));
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  await new Promise(() => setInterval(() => {}, 1_000));
}
