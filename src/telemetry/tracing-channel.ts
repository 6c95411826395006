import type { CallEvent } from "./call-event.ts";

/** TracingChannel of node:diagnostics_channel, as far as it is used here. */
interface TracingChannel {
  /** undefined in runtimes that have a part of the module. */
  readonly hasSubscribers?: boolean;
  tracePromise(fn: () => Promise<void>, context: CallEvent): Promise<void>;
}

interface Runtime {
  readonly process?: {
    getBuiltinModule?(name: string): { tracingChannel?(name: string): TracingChannel } | undefined;
  };
}

/** `tracing:ethers-hsm:call:start`, `:end`, `:asyncStart`, `:asyncEnd`, `:error`. */
const NAME = "ethers-hsm:call";

let channel: TracingChannel | null | undefined;

/** The channel if it has subscribers. Without an import: a browser has no such module, and a bundle for it must not name one. */
export function subscribedChannel(): TracingChannel | undefined {
  channel ??= openChannel();
  return channel && channel.hasSubscribers !== false ? channel : undefined;
}

function openChannel(): TracingChannel | null {
  try {
    const { process } = globalThis as Runtime;
    return process?.getBuiltinModule?.("diagnostics_channel")?.tracingChannel?.(NAME) ?? null;
  } catch {
    return null;
  }
}
