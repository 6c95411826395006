// A process that signs transactions of an account whose limit others count against too, and that is killed where it is told to. Its argument is a
// Job, as JSON. It writes a line for each signature that left the signer, and before it is killed, whether the key had signed.

import { writeSync } from "node:fs";
import { allow, definePolicy, limit } from "../../../src/policy/index.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { MemoryKey } from "../../support/memory-key.ts";
import { clients } from "../support/shared-limits.ts";

/** Where the process is killed. */
const STEPS = [
  "before the hold",
  "held, and the answer is lost",
  "before the key signs",
  "signed, before it is settled",
  "settled, and the answer is lost",
] as const;

/** What the process is to do. */
export interface Job {
  readonly client: keyof typeof clients;
  readonly port: number;
  readonly secret: string;
  readonly limit: { readonly name: string; readonly amount: number };
  /** The nonces that it signs for, all at once, 1 to 5 wei each; one after the other if it is to be killed. */
  readonly nonces: readonly number[];
  /** At the third send. */
  readonly kill?: (typeof STEPS)[number];
}

const job = JSON.parse(process.argv[2] ?? "") as Job;
const { store, close } = await clients[job.client](job.port);
const key = new MemoryKey(job.secret);
let sends = 0;
let writes = 0;
const killAt = (step: (typeof STEPS)[number], isHere = true) => {
  if (!isHere || step !== job.kill || sends !== 3) return;
  process.kill(process.pid, "SIGKILL");
};
const write = store.write.bind(store);
store.write = async (...parameters) => {
  const isHold = ++writes === 1;
  killAt("before the hold", isHold);
  const isWritten = await write(...parameters);
  killAt(isHold ? "held, and the answer is lost" : "settled, and the answer is lost");
  return isWritten;
};
const sign = key.signDigest.bind(key);
key.signDigest = async (...parameters) => {
  killAt("before the key signs");
  const signature = await sign(...parameters);
  if (job.kill) writeSync(1, "1\n");
  killAt("signed, before it is settled");
  return signature;
};

const { name, amount } = job.limit;
const rules = [allow("all"), limit(name, { asset: "native", amount, window: 3_600_000, store })];
const policy = definePolicy({ name: "workers", version: 1, rules });
const signer = new RemoteSigner(key, null, { policy });
const pay = async (nonce: number) => {
  const value = job.kill ? 1 : 1 + (nonce % 5);
  await signer.signTransaction({
    to: `0x${"ab".repeat(20)}`,
    value,
    nonce,
    chainId: 1,
    gasLimit: 21_000,
    maxFeePerGas: 0,
  });
  if (!job.kill) writeSync(1, `${value}\n`);
};

if (job.kill) {
  for (const nonce of job.nonces) {
    sends += 1;
    writes = 0;
    await pay(nonce);
  }
} else {
  const outcomes = await Promise.allSettled(job.nonces.map(pay));
  const other = outcomes.find((each) => each.status === "rejected" && each.reason.code !== "LIMIT_EXCEEDED");
  if (other?.status === "rejected") throw other.reason;
}
await close();
