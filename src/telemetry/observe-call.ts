import { assertArgument } from "ethers";
import { isSignerError } from "../core/errors.ts";
import type { CallAttempt, CallEvent, CallObserver, CallOperation } from "./call-event.ts";
import { subscribedChannel } from "./tracing-channel.ts";

/** @throws ethers' INVALID_ARGUMENT. */
export function checkObserver(observer: CallObserver | undefined): CallObserver | undefined {
  const isObserver = observer === undefined || (typeof observer === "object" && observer !== null);
  assertArgument(
    isObserver,
    "observer must have onStart, onEnd or run, as that of openTelemetry does",
    "observer",
    typeof observer,
  );
  return observer;
}

export interface ObservedCall {
  readonly backend: string;
  readonly operation: CallOperation;
  readonly signal: AbortSignal | undefined;
  readonly observer: CallObserver | undefined;
}

/** Receives each attempt of a call. */
export type OnAttempt = (attempt: CallAttempt) => void;

/**
 * Makes a call, once, and tells the observer and the channel of it. Without either it only makes the call.
 *
 * The call's value and its error reach neither: they are passed on by this closure, and what is traced resolves to undefined, or rejects with
 * the code alone.
 */
export function observeCall<T>(
  watched: ObservedCall,
  call: (onAttempt: OnAttempt | undefined) => Promise<T>,
): Promise<T> {
  const channel = subscribedChannel();
  return watched.observer || channel ? watch(watched, channel, call) : call(undefined);
}

async function watch<T>(
  { backend, operation, signal, observer }: ObservedCall,
  channel: Channel | undefined,
  call: (onAttempt: OnAttempt | undefined) => Promise<T>,
): Promise<T> {
  const event: CallEvent = { backend, operation };
  const attempts: CallAttempt[] = [];
  const start = performance.now();
  const outcome = once(async () => {
    try {
      return { value: await call((attempt) => attempts.push(attempt)) };
    } catch (error) {
      return { error };
    }
  });
  const finished = once(async () => {
    const made = await outcome();
    end(event, { ...made, signal, duration: performance.now() - start, attempts });
    return event;
  });
  const traced = channel ? once(() => trace(channel, event, finished)) : finished;
  if (observer) {
    notify(observer, () => observer.onStart?.(event));
    notify(observer, () => observer.run?.(async () => void (await traced()), event));
  }
  await traced();
  if (observer) notify(observer, () => observer.onEnd?.(event));
  const made = await outcome();
  if ("error" in made) throw made.error;
  return made.value;
}

type Channel = NonNullable<ReturnType<typeof subscribedChannel>>;

/** A subscriber that freezes the event, or a channel that fails, must cost nothing. */
async function trace(channel: Channel, event: CallEvent, finished: () => Promise<CallEvent>): Promise<void> {
  try {
    await channel.tracePromise(async () => {
      const { outcome, code } = await finished();
      if (outcome !== "ok") throw Object.assign(new Error(code ?? outcome), { name: "SignerError", code });
    }, event);
  } catch {
    // The call's own error is thrown by the caller.
  }
  await finished();
}

interface Ending {
  readonly error?: unknown;
  readonly signal: AbortSignal | undefined;
  readonly duration: number;
  readonly attempts: readonly CallAttempt[];
}

function end(event: CallEvent, { signal, duration, attempts, ...made }: Ending): void {
  const failed = "error" in made;
  const isAborted = failed && signal?.aborted === true && made.error === signal.reason;
  const failure = isAborted ? { outcome: "aborted" } : { outcome: "error", code: codeOf(made.error) };
  const sessions = attempts.findLast((attempt) => attempt.sessions)?.sessions;
  try {
    Object.assign(event, failed ? failure : { outcome: "ok" }, {
      duration,
      attempts: attempts.length,
      queued: attempts.reduce((sum, { queued = 0 }) => sum + queued, 0),
      requestIds: attempts.flatMap(({ requestId }) => requestId ?? []),
      ...(sessions && { sessions }),
    });
  } catch {
    // A subscriber froze it.
  }
}

function codeOf(error: unknown): CallEvent["code"] {
  return isSignerError(error) ? error.code : "_OTHER";
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const reported = new WeakSet<CallObserver>();

function notify(observer: CallObserver, tell: () => unknown): void {
  // Asynchronous, so that what an observer throws or rejects with comes out at one place; it begins at once.
  (async () => tell())().catch((error: unknown) => {
    if (reported.has(observer)) return;
    reported.add(observer);
    const text = error instanceof Error ? error.message : typeof error;
    warn(`an observer of ethers-hsm failed, and its further errors are dropped: ${text}`);
  });
}

interface Runtime {
  readonly process?: { emitWarning?(message: string): void };
  reportError?(error: unknown): void;
}

function warn(message: string): void {
  const { process, reportError } = globalThis as Runtime;
  if (process?.emitWarning) process.emitWarning(message);
  else reportError?.(new Error(message));
}
