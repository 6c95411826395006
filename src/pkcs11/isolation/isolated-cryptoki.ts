import type { Cryptoki } from "../cryptoki.ts";
import { Child, lost } from "./child.ts";
import { type IsolatedMethod, RESULTS } from "./messages.ts";

/**
 * A library in a child process: a crash or a hang ends that process, not this one. Every call in flight then fails as if the
 * library had been finalised, and `initialize` starts another child, once the last one has ended.
 */
export function isolatedCryptoki(path: string, hangTimeout: number): Cryptoki {
  let child: Child | undefined;
  const ask = async (method: IsolatedMethod, args: readonly unknown[]) => {
    if (!child) throw lost("is not running");
    return child.ask(method, args);
  };
  const calls = Object.fromEntries(
    Object.keys(RESULTS).map((name) => {
      const method = name as IsolatedMethod;
      return [method, (...args: readonly unknown[]) => ask(method, args)];
    }),
  ) as unknown as Pick<Cryptoki, IsolatedMethod>;
  const end = async () => child?.end();
  return {
    ...calls,
    isIsolated: true,
    isBusy: false,
    initialize: async (libraryParameters) => {
      if (!child?.isRunning) {
        await child?.ended;
        child = new Child(path, hangTimeout);
      }
      return calls.initialize(libraryParameters);
    },
    finalize: end,
    end,
  };
}
