import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { hexlify, recoverAddress, type Signature } from "ethers";

/** What the load needs of a signer. */
export interface Signing {
  getAddress(): Promise<string>;
  signDigest(digest: string): Promise<Signature>;
}

/** What happened to a number of calls. */
export interface Outcome {
  calls: number;
  ok: number;
  /** Signatures that are not by the signer's address over the digest that was given. There must never be one. */
  wrong: number;
  /** Failures by their code. */
  readonly failures: Record<string, number>;
  /** The first message of each code. */
  readonly messages: Record<string, string>;
  longestWaitMs: number;
  /** Calls that were never answered. */
  unsettled: number;
}

export interface LoadOptions {
  readonly callers: number;
  /** Callers begin no more calls once this is settled, */
  readonly over?: Promise<unknown>;
  /** or once so many were begun. */
  readonly calls?: number;
  /** How long to wait for the last answers after the last call was begun, in milliseconds: longer than any call may take. */
  readonly patienceMs: number;
  /** Where the outcome is noted as it comes. Default: a new one. */
  readonly outcome?: Outcome;
}

// An application does not repeat what failed without a pause either.
const PAUSE_AFTER_FAILURE_MS = 5;

/**
 * Lets many callers sign random digests at the same time, spread over the signers, and checks each signature independently of
 * the library: by recovering its address.
 */
export async function load(signers: readonly Signing[], options: LoadOptions): Promise<Outcome> {
  const { outcome = emptyOutcome() } = options;
  const addresses = await Promise.all(signers.map((signer) => signer.getAddress()));
  const budget = options.calls ?? Number.POSITIVE_INFINITY;
  let pending = 0;
  let lastBegun = performance.now();
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  void options.over?.then(end, end);

  const callOnce = async (signer: Signing, address: string | undefined): Promise<boolean> => {
    const digest = hexlify(randomBytes(32));
    const begun = performance.now();
    lastBegun = begun;
    outcome.calls += 1;
    pending += 1;
    try {
      const signature = await signer.signDigest(digest);
      if (isBy(address, digest, signature)) outcome.ok += 1;
      else outcome.wrong += 1;
      return true;
    } catch (error) {
      noteFailure(outcome, error);
      return false;
    } finally {
      pending -= 1;
      outcome.longestWaitMs = Math.max(outcome.longestWaitMs, Math.round(performance.now() - begun));
    }
  };

  const callers = Array.from({ length: options.callers }, async (_, index) => {
    const signer = signers[index % signers.length] as Signing;
    while (!isOver && outcome.calls < budget) {
      if (!(await callOnce(signer, addresses[index % signers.length]))) await setTimeout(PAUSE_AFTER_FAILURE_MS);
    }
  });
  const allAnswered = Promise.all(callers);
  await options.over;
  const answered = new AbortController();
  const waiting = async () => {
    while (performance.now() - lastBegun < options.patienceMs)
      await setTimeout(50, undefined, { signal: answered.signal });
  };
  await Promise.race([allAnswered, waiting()]);
  answered.abort();
  outcome.unsettled = pending;
  return outcome;
}

export function emptyOutcome(): Outcome {
  return { calls: 0, ok: 0, wrong: 0, failures: {}, messages: {}, longestWaitMs: 0, unsettled: 0 };
}

function isBy(address: string | undefined, digest: string, signature: Signature): boolean {
  try {
    return recoverAddress(digest, signature) === address;
  } catch {
    return false;
  }
}

function noteFailure(outcome: Outcome, error: unknown): void {
  const { code = "no code", message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  outcome.failures[code] = (outcome.failures[code] ?? 0) + 1;
  outcome.messages[code] ??= message;
}
