import { afterEach, beforeEach, jest } from "@jest/globals";
import { computeAddress, getBytes, id } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import type { RawSignature } from "../../src/core/signature.ts";
import { type FailoverEvent, FailoverKey, type FailoverOptions } from "../../src/signer/failover-key.ts";
import type { CallOptions, RemoteKey, SignOptions } from "../../src/signer/remote-key.ts";
import { FaultyKey } from "../support/faulty-key.ts";

export const PRIVATE_KEY = id("failover");
export const ADDRESS = computeAddress(PRIVATE_KEY);
export const DIGEST = getBytes(id("a digest"));

/** A replica with a name, which remembers the calls that it got. */
export class ReplicaKey implements RemoteKey {
  readonly backend = "faulty";
  readonly id: string;
  readonly faulty: FaultyKey;
  readonly asked: SignOptions[] = [];
  invalidations = 0;
  fetches = 0;

  constructor(name: string, privateKey = PRIVATE_KEY) {
    this.id = name;
    this.faulty = new FaultyKey(privateKey);
  }

  async getPublicKey(options?: CallOptions): Promise<Uint8Array> {
    this.fetches++;
    return this.faulty.getPublicKey(options);
  }

  async signDigest(digest: Uint8Array, options: SignOptions = {}): Promise<RawSignature> {
    this.asked.push(options);
    return this.faulty.signDigest(digest, options);
  }

  invalidate(): void {
    this.invalidations++;
  }

  async close(): Promise<void> {
    await this.faulty.close();
  }

  /** Lets every call fail so, the fetch of the public key too. */
  break(error: unknown): void {
    this.faulty.onSign = () => Promise.reject(error);
    this.faulty.onFetch = () => Promise.reject(error);
  }

  repair(): void {
    this.faulty.onSign = undefined;
    this.faulty.onFetch = undefined;
  }
}

export const failure = (code: SignerErrorCode) => new SignerError(code, `this replica says ${code}`);

/** Keeps each event: `"open a BACKEND_UNAVAILABLE"`. */
export function eventLog(): { readonly events: string[]; readonly onStateChange: (event: FailoverEvent) => void } {
  const events: string[] = [];
  const onStateChange = ({ replica, error }: FailoverEvent) => {
    events.push([replica.state, replica.id, error?.code].filter(Boolean).join(" "));
  };
  return { events, onStateChange };
}

/** A failover over replicas of the given names, and its events. */
export function failover<Names extends string[]>(names: [...Names], options: Partial<FailoverOptions> = {}) {
  const replicas = names.map((name) => new ReplicaKey(name)) as { [Name in keyof Names]: ReplicaKey };
  const { events, onStateChange } = eventLog();
  const key = new FailoverKey(replicas, { expectedAddress: ADDRESS, onStateChange, ...options });
  return { replicas, events, key };
}

/** A monotonic clock that stands still until it is moved. Timers go on as ever. */
export function controlClock(): { readonly advance: (ms: number) => void } {
  let now = 1_000_000;
  beforeEach(() => {
    jest.spyOn(performance, "now").mockImplementation(() => now);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  return {
    advance: (ms) => {
      now += ms;
    },
  };
}
