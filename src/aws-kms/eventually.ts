import { isSignerError, type SignerErrorCode } from "../core/errors.ts";

const WAITS_MS = [100, 200, 400, 800, 1_600];

/**
 * Repeats `call` while it fails with one of the codes by which KMS says that it has not heard yet of what it has just done.
 * https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
 */
export async function eventually<T>(call: () => Promise<T>, notYet: readonly SignerErrorCode[]): Promise<T> {
  for (const ms of WAITS_MS) {
    try {
      return await call();
    } catch (error) {
      if (!notYet.some((code) => isSignerError(error, code))) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, ms));
  }
  return call();
}
