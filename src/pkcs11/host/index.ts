// The process of a PKCS#11 library's own: it does what its parent asks over their pipe, and ends with it.

import { isSignerError } from "../../core/errors.ts";
import { pkcs11Error } from "../errors.ts";
import { loadLibrary } from "../library.ts";
import type { LocalCryptoki } from "../local-cryptoki.ts";
import { type HostAnswer, type HostRequest, toHostedError } from "./message.ts";

let library: LocalCryptoki | undefined;

async function perform({ method, args }: HostRequest): Promise<unknown> {
  if (method === "load") {
    library = await loadLibrary(args[0] as string);
    return undefined;
  }
  if (!library) throw new Error("no library is loaded");
  const call = library[method] as (...args: readonly unknown[]) => Promise<unknown>;
  return call.apply(library, [...args]);
}

async function answer(request: HostRequest): Promise<HostAnswer> {
  const { id, method } = request;
  try {
    return { id, result: await perform(request) };
  } catch (error) {
    return { id, error: toHostedError(isSignerError(error) ? error : pkcs11Error(error, { operation: method })) };
  }
}

if (process.send) {
  process.on("message", async (request: HostRequest) => {
    const answered = await answer(request);
    // The parent may be gone by now, and this process with it.
    if (process.connected) process.send?.(answered, () => undefined);
  });
  process.once("disconnect", () => process.exit());
  // A terminal sends these to the whole group: the parent decides when to end.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
}
