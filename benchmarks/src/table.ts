/** By column, which names the unit. */
export type Row = Readonly<Record<string, string | number>>;

export interface Table {
  readonly caption: string;
  readonly rows: readonly Row[];
}

/** Columns for a figure that should not be exceeded. */
export function atMost(limit: number, figure: number, unit = ""): Row {
  return { Goal: `≤ ${limit}${unit}`, Met: figure <= limit ? "yes" : "no" };
}

/** Columns for a figure that should be reached. */
export function atLeast(limit: number, figure: number, unit = ""): Row {
  return { Goal: `≥ ${limit}${unit}`, Met: figure >= limit ? "yes" : "no" };
}

/** Columns of a row without a goal, in a table where others have one. */
export const noGoal: Row = { Goal: "", Met: "" };

/** A Markdown table whose columns line up, numbers to the right. */
export function markdownTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numeric = columns.map((column) => rows.some((row) => typeof row[column] === "number"));
  const cells = [columns, ...rows.map((row) => columns.map((column) => text(row[column] ?? "")))];
  const widths = columns.map((_, index) => Math.max(3, ...cells.map((line) => line[index]?.length ?? 0)));
  const lines = cells.map((line) =>
    line.map((cell, index) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0))),
  );
  const rule = widths.map((width, index) => (numeric[index] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [lines[0] ?? [], rule, ...lines.slice(1)].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function text(value: string | number): string {
  if (typeof value === "string") return value.replaceAll("|", "\\|").replaceAll("\n", " ");
  if (!Number.isFinite(value)) return "";
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  // Three figures say all that such a measurement knows.
  return String(Number(value.toPrecision(3)));
}
