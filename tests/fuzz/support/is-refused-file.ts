import { isError } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";

/** What the readers of quorum files say that they throw: ethers' INVALID_ARGUMENT, or a SignerError of a token mismatch. */
export function isRefusedFile(error: unknown): boolean {
  if (isSignerError(error, "ACCESS_DENIED")) return error.info?.["reason"] === "token-mismatch";
  return isError(error, "INVALID_ARGUMENT");
}
