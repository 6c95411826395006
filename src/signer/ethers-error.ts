import { readable } from "../core/thrown.ts";

/** Whether `error` is one of ethers, of any copy of it: a caller's mistake, or something that ethers cannot do. */
export function isEthersError(error: unknown): boolean {
  const { code, shortMessage } = (readable(error) ?? {}) as { code?: unknown; shortMessage?: unknown };
  return typeof code === "string" && typeof shortMessage === "string";
}
