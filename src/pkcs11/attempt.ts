import { isSignerError } from "../core/errors.ts";
import { pkcs11Error } from "./errors.ts";

/** What `call` gives; what the module throws in it becomes a SignerError of that operation. */
export function attempt<T>(operation: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw isSignerError(error) ? error : pkcs11Error(error, { operation });
  }
}

/** The same for a call that runs off the event loop. */
export async function attemptAsync<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw isSignerError(error) ? error : pkcs11Error(error, { operation });
  }
}
