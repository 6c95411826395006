import { onAbort } from "./on-abort.ts";

/** A signal, and what ends its ties to others. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/**
 * A signal that aborts with the first of `sources` that does, for its reason; one that is aborted already counts.
 *
 * Unlike AbortSignal.any it can be released, so that a source which lives for long gathers nothing.
 */
export function linkedSignal(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const unlisten: (() => void)[] = [];
  for (const source of sources) {
    if (!source) continue;
    if (source.aborted) controller.abort(source.reason);
    unlisten.push(onAbort(source, () => controller.abort(source.reason)));
  }
  const release = () => {
    for (const end of unlisten) end();
  };
  return { signal: controller.signal, release };
}
