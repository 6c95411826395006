import { isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";

/**
 * Runs what follows once a key exists, so that no failure loses the key: the error names it in the message, in `keyId` and in
 * `info.createdKeyId`, is not retryable, since a retry would make another key, and says what to do.
 */
export async function withCreatedKey<T>(
  keyId: string,
  hint: string,
  context: SignerErrorContext,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const known = isSignerError(error) ? error : undefined;
    const { code = "BACKEND_UNAVAILABLE", requestId, info } = known ?? {};
    const why = known?.message ?? "an unexpected error followed; see the cause";
    throw new SignerError(code, `the key ${keyId} was made, but ${why}. ${hint}`, {
      ...context,
      keyId,
      retryable: false,
      requestId,
      info: { ...info, createdKeyId: keyId },
      cause: known ? known.cause : error,
    });
  }
}

/** The names that a store is making keys for: of two calls with one name, the second makes nothing. */
export class NewNames {
  readonly #inUse = new Set<string>();

  /** @throws SignerError KEY_EXISTS if a call with that name is in flight. */
  async reserve<T>(name: string | undefined, context: SignerErrorContext, task: () => Promise<T>): Promise<T> {
    if (name === undefined) return task();
    if (this.#inUse.has(name)) {
      const message = `another call is making a key with the name ${name}; nothing was made. Choose another name`;
      throw new SignerError("KEY_EXISTS", message, context);
    }
    this.#inUse.add(name);
    try {
      return await task();
    } finally {
      this.#inUse.delete(name);
    }
  }
}

/**
 * Runs the request that makes a key: if no response came, the key may exist, and a retry would make another.
 *
 * @param look how the caller finds out.
 */
export async function outcomeUnknown<T>(look: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const hasOutcome =
      !isSignerError(error) || !(error.code === "BACKEND_TIMEOUT" || error.code === "BACKEND_UNAVAILABLE");
    // A response with an error, or a failure before the request was sent.
    if (hasOutcome || !error.retryable || error.info?.["statusCode"] !== undefined) throw error;
    const { code, message, info, requestId, cause, backend, keyId, operation } = error;
    const options = { backend, keyId, operation, requestId, cause, info: { ...info, outcome: "unknown" } };
    throw new SignerError(code, `${message}. The key may have been made: look before you try again (${look})`, {
      ...options,
      retryable: false,
    });
  }
}
