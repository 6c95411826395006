/** Whether `error` is one of ethers, of any copy of it: a caller's mistake, or something that ethers cannot do. */
export function isEthersError(error: unknown): boolean {
  const { code, shortMessage } = (error ?? {}) as { code?: unknown; shortMessage?: unknown };
  return typeof code === "string" && typeof shortMessage === "string";
}
