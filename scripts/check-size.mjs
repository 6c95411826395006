// Checks that no entry point of the built package has grown beyond its budget.

import { bundledSizes } from "./bundle-size.mjs";

for (const { name, gzipped, budget } of await bundledSizes()) {
  const size = `${name}: ${kilobytes(gzipped)} of ${kilobytes(budget)}, minified and gzipped`;
  if (gzipped <= budget) {
    console.log(size);
    continue;
  }
  console.error(`${size}: too much. Find what grew, or raise the budget in scripts/bundle-size.mjs and say why.`);
  process.exitCode = 1;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}
