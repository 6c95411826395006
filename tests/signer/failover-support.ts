import { afterEach, beforeEach, jest } from "@jest/globals";
import { getBytes, id } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import type { RawSignature } from "../../src/core/signature.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import type { FailoverEvent, FailoverOptions } from "../../src/signer/failover-options.ts";
import type { CallOptions, RemoteKey, SignOptions } from "../../src/signer/remote-key.ts";
import { FaultyKey } from "../support/faulty-key.ts";

export const PRIVATE_KEY = id("failover");
export const DIGEST = getBytes(id("a digest"));

/** A replica with a name, which remembers what it was asked and told. */
export class ReplicaKey implements RemoteKey {
  readonly backend = "faulty";
  readonly id: string;
  readonly faulty: FaultyKey;
  readonly asked: SignOptions[] = [];
  distrusted = 0;
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

  distrust(): void {
    this.distrusted++;
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

/** A failover over replicas of the given names, and what `onSwitch` was told: `"resting a BACKEND_UNAVAILABLE"`. */
export function failover<Names extends string[]>(names: [...Names], options: FailoverOptions = {}) {
  const replicas = names.map((name) => new ReplicaKey(name)) as { [Name in keyof Names]: ReplicaKey };
  const events: string[] = [];
  const onSwitch = ({ type, replica, error }: FailoverEvent) => {
    events.push([type, replica.id, error?.code].filter(Boolean).join(" "));
  };
  return { replicas, events, key: new FailoverKey(replicas, { onSwitch, ...options }) };
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
