/** The value that `share` of the values, 0 to 1, do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  return at(sorted(values), Math.floor(share * values.length));
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const ordered = sorted(values);
  const half = ordered.length / 2;
  return (at(ordered, Math.floor(half)) + at(ordered, Math.ceil(half) - 1)) / 2;
}

function sorted(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function at(ordered: readonly number[], index: number): number {
  const value = ordered[Math.min(index, ordered.length - 1)];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}
