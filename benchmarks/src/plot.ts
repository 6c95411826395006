import type { MeasuredSection } from "./section.ts";
import { CPU_COLUMN, OWN_SIGNER } from "./sections/published-signers.ts";
import { PUBLISHED_SIGNERS } from "./settings.ts";

interface Bar {
  readonly label: string;
  readonly value: number;
}

const WIDTH = 860;
const LABELS = 350;
const BAR = 22;
const STEP = 38;
const TOP = 80;
const MARGIN = 20;
const TITLE = "CPU time per signature";
const SUBTITLE =
  "signTransaction of one EIP-1559 transaction over the same AWS KMS server, one at a time; milliseconds";

/**
 * The CPU time per signature of each library as horizontal bars: a standalone SVG. It brings its own background, light or dark as
 * the reader's system is, so that it can be read on any page.
 */
export function plotPublishedSigners(sections: readonly MeasuredSection[]): string {
  const rows = sections.find(({ name }) => name === PUBLISHED_SIGNERS)?.tables[0]?.rows;
  if (!rows) throw new Error(`the plot needs the section ${PUBLISHED_SIGNERS}`);
  const bars = rows.flatMap((row) => {
    const value = row[CPU_COLUMN];
    return typeof value === "number" ? [{ label: String(row["Signer"]).replaceAll("`", ""), value }] : [];
  });
  return svg(bars.sort((a, b) => a.value - b.value));
}

function svg(bars: readonly Bar[]): string {
  const height = TOP + bars.length * STEP + MARGIN;
  const longest = Math.max(...bars.map(({ value }) => value));
  const scale = (WIDTH - LABELS - MARGIN - 50) / longest;
  const description = bars.map(({ label, value }) => `${label}: ${value.toFixed(2)} ms`).join("; ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>${TITLE}</title>
  <desc>${escaped(description)}</desc>
  <style>
    text { font: 14px system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 17px; font-weight: 600; }
    .subtitle { font-size: 12px; fill: #59636e; }
    .own text { font-weight: 600; }
    rect { fill: #8c959f; }
    .card { fill: #ffffff; }
    .own rect { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .subtitle { fill: #9198a1; }
      rect { fill: #6e7681; }
      .card { fill: #161b22; }
      .own rect { fill: #4493f8; }
    }
  </style>
  <rect class="card" width="${WIDTH}" height="${height}" rx="8"/>
  <text class="title" x="${MARGIN}" y="34">${TITLE}</text>
  <text class="subtitle" x="${MARGIN}" y="56">${SUBTITLE}</text>
${bars.map((bar, index) => group(bar, TOP + index * STEP, scale)).join("\n")}
</svg>
`;
}

function group({ label, value }: Bar, y: number, scale: number): string {
  const width = value * scale;
  const baseline = y + 16;
  return `  <g${label === OWN_SIGNER ? ' class="own"' : ""}>
    <text x="${LABELS - 12}" y="${baseline}" text-anchor="end">${escaped(label)}</text>
    <rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3"/>
    <text x="${(LABELS + width + 8).toFixed(1)}" y="${baseline}">${value.toFixed(2)}</text>
  </g>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
