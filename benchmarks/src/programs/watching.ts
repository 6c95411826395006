import { tracingChannel } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getBytes, id, SigningKey } from "ethers";
import { type RemoteKey, RemoteSigner, type RemoteSignerOptions } from "ethers-hsm";
import { fileAudit } from "ethers-hsm/audit";
import { openTelemetry } from "ethers-hsm/opentelemetry";
// What a call costs with nothing that watches it is not to be seen from outside.
import { observeCall } from "../../../src/telemetry/observe-call.ts";
import { alternate, type Work } from "../alternate.ts";

export interface WatchingPlan {
  readonly rounds: number;
  readonly count: number;
}

/** Milliseconds for one call, or for one signature. */
export interface WatchingFigures {
  readonly call: number;
  readonly unwatched: number;
  readonly observed: number;
  readonly subscribed: number;
  readonly signature: number;
  readonly openTelemetry: number;
  readonly auditCpu: number;
  readonly audit: number;
}

const CALL = { backend: "test", operation: "sign", signal: undefined } as const;
const DIGEST = id("a digest");

export async function answer({ rounds, count }: WatchingPlan): Promise<WatchingFigures> {
  const make = async () => 1;
  const observer = { onStart: () => {}, onEnd: () => {} };
  const calls = [
    { name: "call", perform: () => make() },
    { name: "unwatched", perform: () => observeCall({ ...CALL, observer: undefined }, make) },
    { name: "observed", perform: () => observeCall({ ...CALL, observer }, make) },
  ];
  const fast = await alternate(calls, { rounds, count: count * 100, warmUp: count * 100 });
  const nothing = () => {};
  const subscribers = { start: nothing, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing };
  const channel = tracingChannel<object, object>("ethers-hsm:call");
  channel.subscribe(subscribers);
  const subscribed = { name: "subscribed", perform: () => observeCall({ ...CALL, observer: undefined }, make) };
  const slow = await alternate([subscribed], { rounds, count: count * 10, warmUp: count * 10 });
  channel.unsubscribe(subscribers);

  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-bench-"));
  try {
    const [cached, durable] = [await fileAudit({ folder, durability: "none" }), await fileAudit({ folder })];
    const signatures = await alternate(
      [
        signing("signature", {}),
        signing("openTelemetry", { observer: openTelemetry() }),
        signing("auditCpu", { audit: cached }),
        signing("audit", { audit: durable }),
      ],
      { rounds, count, warmUp: count },
    );
    await Promise.all([cached.close(), durable.close()]);
    return Object.fromEntries([...fast, ...slow, ...signatures]) as unknown as WatchingFigures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A key and a verification that cost nothing, beside which the rest is to be seen. */
const publicKey = getBytes(new SigningKey(id("the key of the benchmark")).publicKey);
const KEY: RemoteKey = {
  ...{ backend: "test", id: "test" },
  getPublicKey: async () => publicKey,
  signDigest: async () => ({ r: 2n ** 255n, s: 2n ** 254n }),
};

function signing(name: string, options: RemoteSignerOptions): Work {
  const signer = new RemoteSigner(KEY, null, { verifier: () => 0, ...options });
  return { name, perform: () => signer.signDigest(DIGEST) };
}
