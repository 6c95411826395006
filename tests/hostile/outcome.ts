import { isSignerError, type SignerError } from "../../src/core/errors.ts";

/** The SignerError in what a door rejected with: itself, or what an adapter has made of it. */
function signerErrorIn(error: unknown): SignerError | undefined {
  for (let each = error; typeof each === "object" && each !== null; each = (each as { cause?: unknown }).cause) {
    if (isSignerError(each)) return each;
  }
  return undefined;
}

/** What came of a call: the code of the SignerError, or the address of the signer. */
export async function outcomeOf(call: Promise<string>): Promise<string> {
  try {
    return await call;
  } catch (error) {
    const found = signerErrorIn(error);
    if (!found) throw error;
    return found.code;
  }
}
